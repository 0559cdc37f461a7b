"""Test settings with every poke suppressed: the page has nothing but its tick."""

from tests.ordinary_settings import *  # noqa: F403
from tests.ordinary_settings import INSTALLED_APPS

INSTALLED_APPS += ["tests.faults.missed_commits"]
