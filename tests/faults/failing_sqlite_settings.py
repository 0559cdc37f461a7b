"""Test settings of a process whose database fails when a test wants it."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

INSTALLED_APPS += ["tests.faults.failing_sqlite"]
