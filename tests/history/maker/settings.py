"""The project's settings of release 0.1.0, with the definitions of this directory."""

import os

from project.settings import *  # noqa: F403
from project.settings import INSTALLED_APPS

if os.environ.get("WITH_DEFINITIONS"):
    INSTALLED_APPS += ["maker"]
TRUESTEP = {
    "slots": 1,
    "beat": 0.5,
    "lease": 3.0,
    "grace": 1.0,
    "drain": 0,
    "crashes": 2,
    "unknown_grace": 1.0,
    "run_directory": os.environ["RUN_DIRECTORY"],
}
