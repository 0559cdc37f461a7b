"""The project's settings as on the host that FAULTS_HOST names, with this benchmark's jobs."""

import os
import socket

from project.settings import *  # noqa: F403
from project.settings import DATABASES, INSTALLED_APPS, JOBS_ENGINE

if "FAULTS_HOST" in os.environ:
    socket.gethostname = lambda: os.environ["FAULTS_HOST"]
if "FAULTS_POOLER" in os.environ:
    DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True
LEASE = float(os.environ["FAULTS_LEASE"])
INSTALLED_APPS = [*INSTALLED_APPS, "fault_jobs"]
TRUESTEP = {
    "engine": JOBS_ENGINE,
    "run_directory": os.environ["FAULTS_RUN"],
    "lease": LEASE,
    "beat": LEASE / 3,
    "crashes": int(os.environ.get("FAULTS_CRASHES", "3")),
}
