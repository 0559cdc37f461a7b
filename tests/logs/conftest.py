"""An attempt that this process holds."""

import pytest

from jobs.orchestrator import claim, launch


@pytest.fixture
def held(claimant):
    launch("noop")
    [held] = claim(claimant, room=1)
    return held
