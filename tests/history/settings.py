"""The project's settings, with a lease short enough to wait for."""

from project.settings import *  # noqa: F403

TRUESTEP = {"beat": 0.3, "lease": 1.5}
