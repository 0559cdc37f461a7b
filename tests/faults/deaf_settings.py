"""Test settings with every poke suppressed: the page has nothing but its tick."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

INSTALLED_APPS += ["tests.faults.deaf"]
