"""Test settings in which workers notice no commit of another process."""

from tests.ordinary_settings import *  # noqa: F403
from tests.ordinary_settings import INSTALLED_APPS

INSTALLED_APPS += ["tests.faults.deaf"]
