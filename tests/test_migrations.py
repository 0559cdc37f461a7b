"""Rows of an older release say after a migration what they would have said from the beginning."""

import pytest
from django.core.management import call_command
from django.db.migrations import (
    AddConstraint,
    AddField,
    AddIndex,
    AlterModelOptions,
    CreateModel,
)
from django.db.migrations.loader import MigrationLoader
from django.db.models import NOT_PROVIDED
from django.utils import timezone

from jobs.models import Attempt, Worker
from jobs.orchestrator import cancel, claim, finish, launch
from jobs.statuses import Verdict
from tests.support import drive, ended, returned


@pytest.mark.slow
def test_the_verdicts_of_the_first_release_are_found_in_its_journal(claimant):
    drive(
        claimant,
        launch("fails"),
        lambda held: ended(Verdict.FAILED) if held.name == "bad" else returned(),
    )
    for verdict in (Verdict.HANDED_BACK, Verdict.STOPPED):
        job = launch("noop")
        [held] = claim(claimant, room=1)
        if verdict is Verdict.STOPPED:
            cancel(job.pk)
        finish(claimant, held, ended(verdict), room=0)
        cancel(job.pk)
    attempts = Attempt.objects.order_by("pk")
    verdicts = list(attempts.values_list("verdict", flat=True))
    assert set(verdicts) == {"returned", "failed", "handed back", "stopped"}
    Worker.objects.update(stopped_at=timezone.now())  # else it could not be migrated
    call_command("migrate", "truestep", "0001", verbosity=0)
    call_command("migrate", verbosity=0)
    assert list(attempts.values_list("verdict", flat=True)) == verdicts


ADDING = (AddConstraint, AddField, AddIndex, AlterModelOptions, CreateModel)


@pytest.mark.sqlite
def test_processes_of_the_last_release_can_write_after_a_migration():
    """Since 0013: a migration only adds, and a column that is added has a value in the database.

    A constraint that is added has to hold for these values.
    """
    for (app, name), migration in MigrationLoader(None).disk_migrations.items():
        if app != "truestep" or name < "0013":
            continue
        for operation in migration.operations:
            assert isinstance(operation, ADDING), (name, operation)
            if isinstance(operation, AddField):
                field = operation.field
                assert field.null or field.db_default is not NOT_PROVIDED, (name, operation.name)
