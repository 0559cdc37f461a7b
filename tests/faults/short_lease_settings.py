"""Test settings for workers that are frozen: a lease of a second, and losses cost no step."""

from tests.settings import *  # noqa: F403
from tests.settings import TRUESTEP

TRUESTEP |= {"lease": 1.0, "beat": 0.3, "crashes": 10_000}
