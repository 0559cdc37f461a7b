"""The database itself refuses a status without the journal entry that says so."""

import re
from contextlib import contextmanager

import pytest
from django.core.management import call_command
from django.core.management.sql import emit_post_migrate_signal, emit_pre_migrate_signal
from django.db import IntegrityError, connection, models
from django.db.migrations import Migration
from django.db.models import F
from django.utils import timezone

from jobs.database import triggers
from jobs.database.sqlite import SQLite
from jobs.exceptions import TriggersMissing
from jobs.models import Job, Step, Transition
from jobs.orchestrator import claim, finish, launch
from jobs.statuses import Verdict
from tests.support import drive, drop_trigger, ended, returned, rows

TABLES = {Job: "truestep_job", Step: "truestep_step"}


@contextmanager
def refused(match="truestep: "):
    """The database refuses, by a trigger of ours, and nothing has changed."""
    before = rows()
    with pytest.raises(IntegrityError, match=match):
        yield
    assert rows() == before


def raw_sql(row, status):
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {TABLES[type(row)]} SET status = %s, seq = seq + 1 WHERE id = %s",
            [status, row.pk],
        )


def save(row, status):
    row.status = status
    row.save()


def bulk_update(row, status):
    row.status = status
    type(row).objects.bulk_update([row], ["status"])


def bulk_create(row, status):
    row.pk, row.status = None, status
    type(row).objects.bulk_create([row])


def upsert(row, status):
    row.status = status
    type(row).objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["id"], update_fields=["status"]
    )


def replace(row, status):
    """INSERT OR REPLACE replaces a row without an UPDATE."""
    columns = [field.column for field in type(row)._meta.concrete_fields]
    chosen = ", ".join("'pending'" if column == "status" else column for column in columns)
    table = TABLES[type(row)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT OR REPLACE INTO {table} ({', '.join(columns)}) "
            f"SELECT {chosen} FROM {table} WHERE id = %s",
            [row.pk],
        )


ATTACKS = {
    "update": lambda row, status: type(row).objects.filter(pk=row.pk).update(status=status),
    "update with seq + 1": lambda row, status: (
        type(row).objects.filter(pk=row.pk).update(status=status, seq=F("seq") + 1)
    ),
    "update back to an old entry": lambda row, status: (
        type(row).objects.filter(pk=row.pk).update(status=status, seq=1)
    ),
    "save": save,
    "bulk_update": bulk_update,
    "bulk_create": bulk_create,
    "upsert": upsert,
    "raw SQL": raw_sql,
}
if connection.vendor == "sqlite":
    ATTACKS["INSERT OR REPLACE"] = replace


def assert_guarded(job):
    """Every way around the journal is closed, for both kinds of rows."""
    for attack in ATTACKS.values():
        for row in (Job.objects.get(pk=job.pk), job.steps.first()):
            with refused():
                attack(row, "succeeded" if row.status != "succeeded" else "failed")


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("model", [Job, Step])
@pytest.mark.parametrize("moves", [0, 1, 2], ids=["pending", "running", "succeeded"])
def test_no_status_without_its_journal_entry(claimant, model, attack, moves):
    job = launch("noop")
    for held in claim(claimant, room=1) if moves else []:
        if moves == 2:
            finish(claimant, held, returned(), room=0)
    row = model.objects.filter(pk=job.pk if model is Job else job.steps.first().pk).get()
    for status in dict(model._meta.get_field("status").choices):
        if status != row.status and (status, attack) != ("pending", "bulk_create"):
            with refused():
                ATTACKS[attack](model.objects.get(pk=row.pk), status)


@pytest.mark.parametrize("model", [Job, Step])
def test_a_stale_save_is_refused(claimant, model):
    job = launch("noop")
    stale = model.objects.order_by("pk").first()
    drive(claimant, job)
    with refused("stale"):
        stale.save()


def test_a_stale_save_of_a_status_that_came_back_is_refused(claimant):
    """The row has the same status again, but other things have happened to it."""
    job = launch("noop")
    stale = job.steps.first()
    [held] = claim(claimant, room=1)
    finish(claimant, held, ended(Verdict.HANDED_BACK), room=0)
    assert job.steps.first().status == stale.status
    with refused("stale"):
        stale.save()


def test_an_entry_allows_one_change_only(claimant):
    """The step was started once and is pending again; that entry does not start it again."""
    job = launch("noop")
    [held] = claim(claimant, room=1)
    finish(claimant, held, ended(Verdict.HANDED_BACK), room=0)
    for seq in (F("seq"), F("seq") + 1, 2):
        with refused():
            job.steps.filter(name="one").update(status="running", seq=seq)


@pytest.mark.parametrize("model", [Job, Step])
def test_seq_never_falls(claimant, model):
    job = launch("noop")
    drive(claimant, job)
    with refused("seq"):
        model.objects.update(seq=F("seq") - 1)


def test_the_seq_of_a_job_rises_only_with_the_journal(database):
    launch("noop")
    with refused("seq"):
        Job.objects.update(seq=F("seq") + 1)


def test_a_fence_never_falls(claimant):
    launch("noop")
    claim(claimant, room=1)
    with refused("fence"):
        Step.objects.filter(fence=1).update(fence=0)


@pytest.mark.parametrize(
    ("kind", "old", "new", "seq"),
    [
        ("note", "pending", "running", 2),  # not a move
        ("move", "running", "succeeded", 2),  # a move from elsewhere
        ("move", "pending", "failed", 2),  # a move to elsewhere
        ("move", "pending", "running", 3),  # a move with another number
    ],
)
def test_an_entry_about_something_else_allows_nothing(transactional_db, kind, old, new, seq):
    """Corrupts the journal on purpose, so nothing audits it."""
    step = launch("noop").steps.first()
    Transition.objects.create(
        job=step.job,
        step=step,
        seq=seq,
        tag="x",
        kind=kind,
        from_status=old,
        to_status=new,
        at=timezone.now(),
    )
    with refused("status changes only with its journal entry"):
        Step.objects.filter(pk=step.pk).update(status="running", seq=2, attempt=1)


@pytest.mark.parametrize("field", ["seq", "to_status", "reason", "at"])
def test_a_journal_entry_is_never_changed(claimant, field):
    drive(claimant, launch("noop"))
    with refused("never changed"):
        Transition.objects.filter(seq=2).update(**{field: F(field)})


CONFLICTS = {
    "a plain INSERT": ("INSERT INTO", ""),
    "ON CONFLICT DO UPDATE": ("INSERT INTO", "ON CONFLICT ({keys}) DO UPDATE SET {change}"),
}
if connection.vendor == "sqlite":
    CONFLICTS["INSERT OR REPLACE"] = ("INSERT OR REPLACE INTO", "")


@pytest.mark.parametrize("way", CONFLICTS)
@pytest.mark.parametrize(
    ("model", "keys", "change"),
    [
        (Job, "id", "status = 'running'"),
        (Job, "uuid", "status = 'running'"),
        (Step, "id", "status = 'running'"),
        (Step, "job_id, name", "status = 'running'"),
        (Step, "job_id, position", "status = 'running'"),
        (Transition, "id", "reason = 'other'"),
        (Transition, "job_id, seq", "reason = 'other'"),
    ],
)
def test_no_insert_replaces_a_row(database, way, model, keys, change):
    """Whichever of its keys the new row has in common with the old one."""
    launch("stubborn")  # one step, to which no other row points yet
    insert, on_conflict = CONFLICTS[way]
    table = model._meta.db_table
    columns = {field.column: field.column for field in model._meta.concrete_fields}
    others = {"id": "id + 1000", "uuid": "'00000000000000000000000000000007'"}
    others |= {"name": "'other'", "position": "1000", "seq": "1000"}
    columns |= {name: value for name, value in others.items() if name in columns}
    columns |= {key: key for key in keys.split(", ")}
    with refused(match="."), connection.cursor() as cursor:
        cursor.execute(
            f"{insert} {table} ({', '.join(columns)}) SELECT {', '.join(columns.values())} "
            f"FROM {table} WHERE id = (SELECT min(id) FROM {table}) "
            + on_conflict.format(keys=keys, change=change)
        )


@pytest.mark.parametrize("rule", SQLite.rules, ids=lambda rule: rule.name)
@pytest.mark.sqlite
def test_each_trigger_looks_up_by_an_index(database, rule):
    condition = re.sub(r"\b(NEW|OLD)\.\w+", "'1'", rule.condition)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN SELECT 1 WHERE {condition}")
        plan = [detail for *_, detail in cursor.fetchall()]
    one_row = {"SCAN CONSTANT ROW"}
    one_row |= {f"SCAN {line.split()[1]}" for line in plan if line.startswith("CO-ROUTINE")}
    assert [line for line in plan if line.startswith("SCAN") and line not in one_row] == []


def test_volatile_columns_change_without_an_entry(database):
    """The guard is about statuses; progress and log counts need no entry."""
    launch("noop")
    assert Step.objects.update(done=1, total=2, progress_text="half")
    Step.objects.update(done=None, total=None, progress_text="")


# --- the triggers themselves come back ------------------------------------------------------------


def test_the_triggers_are_back_after_all_migrations_ran_again(database):
    call_command("migrate", "truestep", "zero", verbosity=0)
    try:
        assert "truestep_job" not in connection.introspection.table_names()
    finally:
        call_command("migrate", verbosity=0)
    triggers.require()
    assert_guarded(launch("noop"))


@pytest.mark.parametrize(
    ("model", "column"), [(Job, "definition"), (Step, "name"), (Transition, "reason")]
)
def test_the_triggers_are_back_after_a_migration_rebuilt_a_table(database, model, column):
    old = model._meta.get_field(column)
    new = models.CharField(max_length=old.max_length + 1, blank=old.blank)
    new.set_attributes_from_name(column)
    job = launch("noop")
    try:
        rebuild(model, old, new)
        triggers.require()
        assert_guarded(job)
    finally:
        rebuild(model, new, old)


def rebuild(model, old, new):
    """What ``migrate`` does: signal, alter the table (SQLite copies it), signal."""
    emit_pre_migrate_signal(0, False, "default", plan=[(Migration("next", "truestep"), False)])
    with connection.schema_editor() as editor:
        editor.alter_field(model, old, new)
    if connection.vendor == "sqlite":
        with pytest.raises(TriggersMissing, match=r"truestep_.*manage\.py migrate"):
            triggers.require()
    emit_post_migrate_signal(0, False, "default", plan=[])


def test_a_migrate_without_migrations_keeps_the_triggers(database):
    emit_pre_migrate_signal(0, False, "default", plan=[])
    triggers.require()


def test_one_missing_trigger_is_named(database):
    drop_trigger("truestep_step_seq", "truestep_step")
    try:
        with pytest.raises(TriggersMissing, match=r"\(truestep_step_seq\)"):
            triggers.require()
    finally:
        triggers.install()


def test_installing_twice_is_harmless(database):
    triggers.install()
    triggers.install()
    triggers.require()
    assert_guarded(launch("noop"))
