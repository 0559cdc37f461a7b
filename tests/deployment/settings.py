"""A settings module of one's own, as docs/settings.md describes: it adds definitions."""

from project.settings import *  # noqa: F403
from project.settings import INSTALLED_APPS

INSTALLED_APPS += ["tests.testapp"]
