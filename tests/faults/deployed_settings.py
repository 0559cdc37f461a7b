"""Test settings of a later deploy: its style sheet is another one."""

import os

from tests.ordinary_settings import *  # noqa: F403

STATICFILES_DIRS = [os.path.join(os.path.dirname(__file__), "deployed")]
