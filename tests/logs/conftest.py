"""An attempt that this process holds."""

import pytest

from jobs.orchestrator import claim, launch


@pytest.fixture
def held(desk):
    launch("noop")
    [held] = claim(desk, room=1)
    return held
