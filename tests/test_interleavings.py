"""Two operations on one job, step by step in many orders: each order ends as if one came first."""

import dataclasses
import os
import random
import time
from contextlib import closing
from itertools import combinations_with_replacement

import pytest

from jobs import audit, crashpoints, database, orchestrator, workers
from jobs.exceptions import DeclaredDead, MoveRefused, Overtaken
from jobs.journal import JobState
from jobs.models import Attempt, Job, Step, Transition, Worker
from jobs.orchestrator import Claimant
from jobs.runner import Outcome
from jobs.statuses import TERMINAL, Kind, Verdict
from jobs.upkeep import Sweep
from tests.faults.crash_child import bring_to_end
from tests.faults.crash_situations import HOPELESS, new_worker
from tests.faults.schedules import Scheduler
from tests.support import returned

pytestmark = pytest.mark.slow

DOCUMENTED = (Overtaken, MoveRefused, DeclaredDead, Job.DoesNotExist)
ENDS = {"finish": Verdict.RETURNED, "advance": Verdict.RETURNED, "fail": Verdict.FAILED}
# Give one, as a failure reports it, to see just that schedule: SCHEDULE=0110 pytest -k …
REPLAY = os.environ.get("SCHEDULE")


class Scene:
    """A job of which one step has failed and one is held by a worker that others take for dead.

    *late*: the held step is the last one that has not ended.
    """

    def __init__(self, claimant: Claimant, late: bool) -> None:
        self.claimant = claimant
        self.registration, self.frozen = new_worker()
        self._freeze()
        self.job = orchestrator.launch("woven")
        [self.held] = orchestrator.claim(self.frozen, room=1)
        [bad, *others] = orchestrator.claim(claimant, room=3 if late else 1)
        orchestrator.finish(claimant, bad, HOPELESS, room=0)
        for held in others:
            orchestrator.finish(claimant, held, returned(), room=0)

    def _freeze(self) -> None:
        """On another host, and silent for longer than the lease."""
        worker = self.registration.worker
        Worker.objects.filter(pk=worker.pk).update(host="far.example")
        seen = workers.liveness._Observation(
            beats=(False, 0), looked_at=time.monotonic(), silent=1e9
        )
        workers.liveness._observations[worker.uuid] = seen

    def operation(self, name: str):
        """What it does, as a process of its own would: with its own memory of the job."""
        state = JobState.load(self.job.pk)
        return lambda: getattr(self, f"_{name}")(state)

    def _end(self, state: JobState, outcome: Outcome, room: int):
        claimant = Claimant(self.frozen.worker, self.frozen.knows, {self.job.pk: state})
        return orchestrator.finish(claimant, self.held, outcome, room)

    def _finish(self, state):
        return self._end(state, returned(), room=0)

    def _advance(self, state):
        return self._end(state, returned(), room=2)

    def _fail(self, state):
        return self._end(state, HOPELESS, room=0)

    def _cancel(self, state):
        return orchestrator.cancel(self.job.pk, actor="ada")

    def _retry(self, state):
        return orchestrator.retry(self.job.pk, actor="ada")

    def _sweep(self, state):
        Sweep(Claimant(self.claimant.worker, self.claimant.knows)).run(held=())

    def _claim(self, state):
        return orchestrator.claim(Claimant(self.claimant.worker, self.claimant.knows), room=2)

    def _beat(self, state):
        """It does not wait for a lock: its worker tries again soon."""
        with closing(database.SideConnection()) as aside:  # a connection serves one thread
            try:
                dataclasses.replace(self.registration, _aside=aside).beat_in_row()
            except database.DATABASE_ERRORS as error:
                if database.outage_of(error) is not database.Outage.BUSY:
                    raise
                return "busy"

    def _delete(self, state):
        crashpoints.reach("delete.before_begin")
        with database.write():
            Job.objects.select_for_update().get(pk=self.job.pk)
            crashpoints.reach("delete.locked")
            Job.objects.filter(pk=self.job.pk).delete()
            crashpoints.reach("delete.before_commit")
        crashpoints.reach("delete.after_commit")

    # -- what must be true afterwards

    def check(self, names, answers):
        for answer in answers:
            assert not isinstance(answer, BaseException) or isinstance(answer, DOCUMENTED)
        assert list(audit.differences()) == []
        done = [
            (name, answer)
            for name, answer in zip(names, answers, strict=True)
            if not isinstance(answer, BaseException)
        ]
        self._check_beat(done)
        if Job.objects.filter(pk=self.job.pk).exists():
            self._check_end_of_attempt([name for name, _ in done if name in ENDS])
            self._check_requests(done)
            self._check_claims(done)
        bring_to_end(self.claimant, self.frozen)
        assert list(audit.differences()) == []
        assert set(Step.objects.values_list("status", flat=True)) <= TERMINAL
        if "delete" in names:
            assert not Job.objects.filter(pk=self.job.pk).exists()
            assert not Step.objects.exists()
            assert not Transition.objects.exists()

    def _check_end_of_attempt(self, ends):
        """It has one end, the one that its operation returned."""
        attempt = Attempt.objects.get(step=self.held.step_id, number=1)
        moves = Transition.objects.filter(step=self.held.step_id, attempt=1)
        assert moves.filter(from_status="running").count() == (attempt.ended_at is not None)
        assert {ENDS[name] for name in ends} <= {attempt.verdict}

    def _check_requests(self, done):
        """Each that was granted is in the journal, once."""
        requests = self.job.journal.filter(kind=Kind.REQUEST)
        for name in ("cancel", "retry"):
            granted = sum(each == name and bool(answer) for each, answer in done)
            assert requests.filter(reason=name).count() == granted

    def _check_claims(self, done):
        claims = [
            claim for name, answer in done if name in ("claim", "advance") for claim in answer
        ]
        for claim in claims:
            entry = self.job.journal.get(tag=claim.tag, step=claim.step_id)
            assert (entry.to_status, entry.attempt) == ("running", claim.attempt)
        assert len({claim.tag for claim in claims}) == len(claims)

    def _check_beat(self, done):
        """Who has just beaten was not signed off for its silence."""
        if ("beat", None) in done:
            assert Worker.objects.get(pk=self.registration.worker.pk).stopped_at is None

    def clear(self):
        Job.objects.filter(pk=self.job.pk).delete()
        self.registration.release()
        del workers.liveness._observations[self.registration.worker.uuid]
        self.registration.worker.delete()


OPERATIONS = ("finish", "fail", "cancel", "retry", "sweep", "claim", "beat", "delete", "advance")


@pytest.fixture(scope="module")
def scheduler(django_db_setup):
    scheduler = Scheduler()
    yield scheduler
    scheduler.end()


def cases():
    for count, mark in ((2, pytest.mark.brief), (26, pytest.mark.full)):
        for late in (False, True):
            for names in combinations_with_replacement(OPERATIONS, 2):
                kind = "late" if late else "early"
                name = f"{names[0]}-{names[1]}-{kind}-{count}"
                yield pytest.param(names, late, count, id=name, marks=mark)


@pytest.mark.parametrize(("names", "late", "count"), list(cases()))
def test_two_operations_end_as_if_one_came_first(database, scheduler, names, late, count):
    """Both take their locks job before step. One wins, and the other is refused or noted."""
    registration, claimant = new_worker()
    chance = random.Random(f"{names} {late}")
    waiting = [REPLAY or format(chance.getrandbits(64), "064b")]
    for number in range(count):
        if not waiting:
            break  # those were all that there are
        choices = waiting.pop(chance.randrange(len(waiting)))
        scene = Scene(claimant, late)
        run = scheduler.run([scene.operation(name) for name in names], choices)
        try:
            scene.check(names, run.answers)
        except BaseException as error:
            error.add_note(f"SCHEDULE={run.choices}  {run}")
            raise
        scene.clear()
        made = run.choices  # all that begin alike and then differ are other schedules
        begin = len(choices) if number else 0
        waiting += [made[:i] + "10"[int(made[i])] for i in range(begin, len(made))]
        if REPLAY:
            break
    registration.deregister()
