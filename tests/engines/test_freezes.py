"""Workers that are frozen for longer than their lease, and then continue."""

import os
import signal
from contextlib import ExitStack
from itertools import count

import pytest

from jobs import database as db
from jobs.models import Attempt, LogChunk, Step
from jobs.orchestrator import launch
from jobs.statuses import Kind, Status
from tests.support import at_length, finished, program, stop_process, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.either]

AT_ONCE = 3
SHORT = {"DJANGO_SETTINGS_MODULE": "tests.faults.short_lease_settings"}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("freezes", at_length(5, 200))
def test_the_late_writes_of_a_frozen_worker_are_refused_and_noted(database, tmp_path, freezes):
    """Its step has returned meanwhile: lines wait in its pipe, and the outcome in its socket."""
    with ExitStack() as stack:
        workers = [
            stack.enter_context(program("worker", "--slots", "1", env=SHORT))
            for _ in range(AT_ONCE + 1)  # one sees what happens to the others
        ]
        for worker in workers:
            worker.wait_for_line("Worker with", 120)
        seen, rounds = 0, count()
        while seen < freezes:
            seen += freeze(min(AT_ONCE, freezes - seen), tmp_path / f"gate{next(rounds)}")
        assert [worker.process.poll() for worker in workers] == [None] * len(workers)


def freeze(number, gate):
    """Freeze the workers of *number* steps; how many of these were through when they were lost."""
    jobs = [launch("lingers", {"gate": str(gate)}) for _ in range(number)]
    steps = Step.objects.filter(job__in=jobs)
    waiting = steps.filter(status=Status.RUNNING, log_lines__gt=0)
    wait_for(lambda: waiting.count() == number, 60, "all have begun")
    frozen = []
    try:
        for attempt in current(steps):
            stop_process(attempt.worker.pid)
            frozen.append(attempt)
        # On a busy machine a worker may have lost its step just before; that is another story.
        held = [attempt for attempt in frozen if attempt in current(steps)]
        if not can_write():  # frozen in the middle of a transaction, it blocks all others
            held = []
        gate.touch()
        ids = [attempt.pk for attempt in held]
        lost = Attempt.objects.filter(pk__in=ids, verdict="lost")
        wait_for(lambda: lost.count() == len(held), 30, "others notice")
        # Where the machine is too busy, the fork server was faster than the step: not counted.
    finally:
        for attempt in frozen:
            os.kill(attempt.worker.pid, signal.SIGCONT)
    for job in jobs:
        assert finished(job, 60).status == "succeeded"
    for attempt in held:
        notes = attempt.step.job.journal.filter(kind=Kind.NOTE, step=attempt.step)
        refused = f"a late write of attempt {attempt.number} by {attempt.worker} was refused"
        wait_for(notes.filter(reason=refused).exists, 30, refused)
        late = f"attempt {attempt.number} is late"
        assert not LogChunk.objects.filter(step=attempt.step, text__contains=late).exists()
        attempt.refresh_from_db()
        assert (attempt.verdict, attempt.result) == ("lost", None)
    assert not Attempt.objects.filter(step__in=steps, verdict="failed").exists()
    return sum(map(has_returned(gate), held))


def can_write():
    db.set_lock_timeout(1)
    try:
        with db.write():
            Step.objects.filter(pk=0).update(seq=0)
    except db.DATABASE_ERRORS:
        return False
    finally:
        db.set_lock_timeout(db.LOCK_TIMEOUT_SECONDS)
    return True


def current(steps):
    """The attempts that are running, as the rows say."""
    running = steps.filter(status=Status.RUNNING).values_list("pk", "attempt")
    attempts = Attempt.objects.select_related("worker", "step__job")
    return [attempts.get(step=pk, number=number) for pk, number in running]


def has_returned(gate):
    """Whether the step of an attempt was through, by what it left."""

    def look(attempt):
        job, step = attempt.step.job, attempt.step
        return os.path.exists(f"{gate}.{job.uuid}:{step.name}.{attempt.number}")

    return look
