"""A step that never lets go of its interpreter delays neither its worker nor another step."""

import pytest

from jobs.models import Worker
from jobs.orchestrator import cancel, launch
from tests.support import job_of, step_of, wait_for

pytestmark = pytest.mark.slow


def test_a_step_that_holds_its_interpreter_delays_no_heartbeat_or_page(worker):
    hog = launch("hog")
    wait_for(lambda: step_of(hog, "match").log_lines == 1, 30)
    beats = Worker.objects.get().beats
    other = launch("noop")
    wait_for(lambda: job_of(other.pk).status == "succeeded", 30)
    wait_for(lambda: Worker.objects.get().beats >= beats + 3, 30)
    assert job_of(hog.pk).status == "running"
    cancel(hog.pk)
    wait_for(lambda: job_of(hog.pk).status == "cancelled", 30)
