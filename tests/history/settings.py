"""The project's settings, with the old jobs' definitions and a lease short enough to await."""

import os

from project.settings import *  # noqa: F403
from project.settings import INSTALLED_APPS

INSTALLED_APPS += ["tests.history.maker"]
TRUESTEP = {"beat": 0.3, "lease": 1.5, "run_directory": os.environ.get("RUN_DIRECTORY", "")}
