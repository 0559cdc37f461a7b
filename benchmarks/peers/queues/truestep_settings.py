"""The project's settings, with the jobs of this benchmark."""

import os

from project.settings import *  # noqa: F403
from project.settings import INSTALLED_APPS, JOBS_ENGINE

INSTALLED_APPS = [*INSTALLED_APPS, "truestep_jobs"]
TRUESTEP = {"engine": JOBS_ENGINE, "run_directory": os.environ["PEERS_RUN"]}
