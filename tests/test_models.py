"""The rows: what the database itself refuses, and how they read aloud."""

from datetime import UTC, datetime
from itertools import zip_longest

import pytest
from django.apps import apps
from django.db import IntegrityError, connection
from django.db.models.signals import post_delete

from jobs.models import Attempt, Job, LogChunk, Need, Step, Transition, ready_steps
from jobs.models.ready import FIRST
from jobs.orchestrator import cancel, claim, launch
from tests.support import drive, step_of


@pytest.fixture
def step(database):
    return step_of(launch("noop"), "one")


REFUSED = {
    "a step twice": lambda step: Step.objects.create(job=step.job, name="one", position=9),
    "a position twice": lambda step: Step.objects.create(job=step.job, name="x", position=0),
    "a need twice": lambda step: Need.objects.create(
        step=step_of(step.job, "two"), needed=step
    ),
    "a need of itself": lambda step: Need.objects.create(step=step, needed=step),
    "an attempt 0": lambda step: Attempt.objects.create(
        step=step, number=0, started_at=datetime.now(UTC)
    ),
    "a journal number twice": lambda step: Transition.objects.create(
        job=step.job, seq=1, tag="x", kind="note", at=datetime.now(UTC)
    ),
    "a kind that is none": lambda step: Transition.objects.create(
        job=step.job, seq=2, tag="x", kind="gossip", at=datetime.now(UTC)
    ),
    "a move without ends": lambda step: Transition.objects.create(
        job=step.job, seq=2, tag="x", kind="move", at=datetime.now(UTC)
    ),
    "a log that ends before it begins": lambda step: LogChunk.objects.create(
        step=step, attempt=1, first=2, last=1, text="", levels="", times=[]
    ),
    "a job that has ended and runs": lambda step: Job.objects.update(ended_at=datetime.now(UTC)),
    "a job from seq 0": lambda step: Job.objects.create(definition="x", seq=0),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_the_database_refuses(step, what):
    with pytest.raises(IntegrityError):
        REFUSED[what](step)


def test_querysets_read_aloud(claimant):
    waiting, done = launch("noop"), launch("noop")
    cancel(done.pk)
    assert list(Job.objects.unfinished()) == [waiting]
    assert [s.name for s in Step.objects.ready()] == ["one"]
    assert not Step.objects.running().exists()
    claim(claimant, room=1)
    assert [s.name for s in Step.objects.running()] == ["one"]
    assert not Step.objects.ready().exists()


def test_ready_steps_come_in_parts(database):
    jobs = [launch("fifty_wide"), launch("noop"), launch("fifty_wide")]
    whole = ready_steps(1000).steps
    assert [(step.job_id, step.position) for step in whole] == sorted(
        Step.objects.filter(waiting=0).values_list("job", "position")
    )
    assert [step.pk for step in whole] == [
        step.pk for step in Step.objects.ready().order_by("job", "position")
    ]
    assert {step.job_id for step in whole} == {job.pk for job in jobs}
    parts, place = [], FIRST
    while part := ready_steps(20, behind=place).steps:
        parts += part
        place = part[-1].place
    assert parts == whole


def test_rows_name_themselves(claimant):
    job = drive(claimant, launch("noop"))
    step = step_of(job, "one")
    assert str(job) == f"job {job.pk} (noop)"
    assert str(step) == f"step one of job {job.pk}"
    assert str(Transition.objects.get(job=job, seq=2)) == (
        f"{job.pk}.2 move step {step.pk} pending→running"
    )


def test_no_index_is_the_beginning_of_another(database):
    """Each index costs something at every move."""
    for model in apps.get_app_config("truestep").get_models():
        with connection.cursor() as cursor:
            found = connection.introspection.get_constraints(cursor, model._meta.db_table)
        indexes = {
            name: list(zip_longest(about["columns"], about.get("orders") or (), fillvalue="ASC"))
            for name, about in found.items()
            if (about["index"] or about["unique"]) and not name.endswith("_like")
        }
        for name, columns in indexes.items():
            longer = {other for other in indexes if indexes[other][: len(columns)] == columns}
            assert longer == {name}


@pytest.mark.parametrize("how", ["pending", "cancelled", "ended"])
@pytest.mark.parametrize("name", ["stubborn", "noop"])
def test_a_job_is_deleted_with_its_rows_where_a_signal_wants_each(claimant, name, how):
    """A receiver for every model, as packages connect, keeps Django from its quick ways."""
    job = launch(name)
    if how == "cancelled":
        cancel(job.pk)
    if how == "ended":
        drive(claimant, job)
    gone = []

    def receiver(sender, **more):
        gone.append(sender)

    post_delete.connect(receiver)
    try:
        Job.objects.get(pk=job.pk).delete()
    finally:
        post_delete.disconnect(receiver)
    assert {Job, Step, Transition} <= set(gone)
    assert not Transition.objects.exists()
