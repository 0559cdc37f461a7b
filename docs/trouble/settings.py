"""The project's settings, with the job in trouble."""

from project.settings import *  # noqa: F403
from project.settings import INSTALLED_APPS

INSTALLED_APPS += ["trouble"]
