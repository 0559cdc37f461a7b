"""Write a history with release 0.1.0: every sentence that its journal can have, by real workers.

README.md says how to run it. What only a race or a broken worker leads to is written by the
release's own orchestrator, without a process.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db.models import F

from jobs import database, handover, workers
from jobs.models import Attempt, Job, Step, Transition, Worker
from jobs.orchestrator import Desk, cancel, claim, finish, launch, retry
from jobs.runner import Outcome
from jobs.statuses import Verdict

QUOTED = """the "source" was late: it's 3; retry\nsecond line"""
HEBREW = "שלום, נסה שוב"
OVERRIDE = "\u202eexe.gnp\u2066"
LONG = "long: " + "reason, and so on; " * 60


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
    return answer


@contextmanager
def worker():
    """A worker process. It knows every definition but the stranger."""
    environment = {key: value for key, value in os.environ.items() if key != "WITH_STRANGER"}
    process = subprocess.Popen([sys.executable, "manage.py", "worker"], env=environment)
    try:
        wait_for(lambda: Worker.objects.filter(pid=process.pid, stopped_at=None).exists())
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        process.wait(60)


def freeze(process):
    """Stop the process, at a moment in which it holds no lock of the database."""
    process.send_signal(signal.SIGSTOP)
    try:
        with database.patience(0.2), database.write():
            Worker.objects.filter(pid=process.pid).update(host=F("host"))
    except database.TROUBLE:
        process.send_signal(signal.SIGCONT)
        time.sleep(0.03)
        freeze(process)


def ended(job):
    return wait_for(lambda: Job.objects.get(pk=job.pk).is_finished)


def running(job, step, attempt=1):
    current = Step.objects.filter(job=job, name=step, status="running", attempt__gte=attempt)
    return wait_for(current.exists)


def sign(job, step):
    """Let the step return."""
    open(os.path.join(os.environ["SIGNS"], f"{job.uuid}-{step}"), "w").close()


def what_steps_do(ada):
    """Ends that a step itself leads to, and what people make of them."""
    cancelled = launch("waits", actor=ada)
    cancel(cancelled.pk, actor=ada, source="page")
    with worker() as process:
        one = launch("import", {"path": "/data/a b.csv"}, actor=ada, source="page")
        launch("import", {"path": "x"}, actor="", again_of=one, source="command")
        launch("import", {"path": "y"}, actor="שרה", again_of=one, why=QUOTED, source="page")
        launch("import", {"path": "z"}, actor="x" * 200, again_of=one, why=OVERRIDE)
        for name in [
            "breaks",
            "odd",
            "flaky",
            "hopeless",
            "exits",
            "unusable",
            "times_out",
            "dies",
        ]:
            job = launch(name, actor=ada)
        launch("pauses")
        ended(job)
        broken = launch("repairable", actor=ada)
        ended(broken)
        retry(broken.pk, "left", actor=ada, source="page", why=HEBREW)
        ended(broken)
        retry(broken.pk, actor=ada, source="admin")
        ended(broken)
        open(os.path.join(os.environ["SIGNS"], "repaired"), "w").close()
        retry(broken.pk, actor="", why=LONG)
        ended(broken)
        retry(broken.pk, "left", actor=ada)
        retry(broken.pk, actor=ada)
        cancel(broken.pk, actor=ada, source="admin")
        retry(Job.objects.get(definition="breaks").pk, "שלב", actor=ada)
        retry(cancelled.pk, actor=ada, source="page", why="it's wanted, after all")
        running(cancelled, "waiting")
        freeze(process)  # so that it is being cancelled for a while
        cancel(cancelled.pk, actor=ada, source="page")
        cancel(cancelled.pk, actor=ada, source="page")
        retry(cancelled.pk, actor=ada, source="page")
        process.send_signal(signal.SIGCONT)
        ended(cancelled)
        stranger = launch("stranger", actor=ada)
        ended(stranger)


def what_workers_meet(ada):
    """Workers that stop, freeze and are killed, and a database that is locked."""
    with worker() as process:
        handed_back, lost = launch("waits"), launch("waits_and_retries", actor=ada)
        running(handed_back, "waiting")
        process.terminate()
        process.wait(60)
    with worker() as process:
        running(handed_back, "waiting", attempt=2)
        freeze(process)
        time.sleep(2.5)  # more than two thirds of a lease, and less than one
        process.send_signal(signal.SIGCONT)
        wait_for(lambda: Attempt.objects.filter(step__job=handed_back, verdict="interrupted"))
        running(handed_back, "waiting", attempt=3)
        sign(handed_back, "waiting")
        running(lost, "waiting")
        process.kill()
        process.wait()
    with worker() as process:
        running(lost, "waiting", attempt=2)
        freeze(process)
        with worker():
            wait_for(lambda: Attempt.objects.filter(step__job=lost, number=2, verdict="lost"), 90)
            process.send_signal(signal.SIGCONT)
            late = Transition.objects.filter(job=lost, kind="note")
            wait_for(late.exists)
    with worker():
        told = launch("waits", actor=ada)
        running(told, "waiting")
        wait_for(lambda: handover.hand_over(told.pk, actor=ada, source="page"))
        ended(told)
    with worker():
        retry(lost.pk, actor=ada)
        running(lost, "waiting", attempt=3)
        sign(lost, "waiting")
        ended(lost)


def what_only_a_race_leads_to(ada):
    """The release's orchestrator, in the place of a worker."""
    post = workers.sign_on(
        slots=1, knows={"waits": ["before", "waiting", "after"], "waits_and_retries": ["waiting"]}
    )
    desk = Desk(post.worker, post.worker.knows)

    def end(job, verdict, reason):
        [held] = claim(desk, room=1)
        assert held.job_id == job.pk
        finish(desk, held, Outcome(verdict=verdict, reason=reason, error=reason + "."), room=0)

    job = launch("waits_and_retries", source="admin", actor=ada)
    end(job, Verdict.INTERRUPTED, "its worker never began it")
    end(job, Verdict.INTERRUPTED, "its worker was taken for dead, and began anew")
    end(job, Verdict.INTERRUPTED, "its worker could not reach the database for 1 min 05 s")
    job = launch("waits_and_retries")
    [held] = claim(desk, room=1)
    cancel(job.pk, actor=ada)
    outcome = Outcome(verdict=Verdict.FAILED, reason="raised OSError", error="OSError: no")
    finish(desk, held, outcome, room=0)
    job = launch("waits")
    end(job, Verdict.INTERRUPTED, "its worker showed no sign of life for too long")
    end(job, Verdict.LOST, "its worker broke: RuntimeError")
    with database.write():
        Step.objects.filter(status="pending", job__definition="pauses").update(
            not_before=datetime(2100, 1, 1, tzinfo=UTC)
        )
    post.sign_off()


def main():
    call_command("migrate", verbosity=0)
    ada = get_user_model().objects.create_superuser("ada", "ada@example.com")
    what_steps_do(ada)
    what_workers_meet(ada)
    what_only_a_race_leads_to(ada)
    launch("waits", actor=ada, source="page")
    call_command("audit")
