"""Test settings for chaos: a lost worker costs an attempt often, and never a step."""

from tests.settings import *  # noqa: F403
from tests.settings import TRUESTEP

TRUESTEP |= {"crashes": 99, "beat": 0.5, "lease": 3.0, "grace": 1.0, "drain": 1.0}
