"""The SQL of a batch, which is written by hand, fits the models."""

from __future__ import annotations

from dataclasses import fields

from django.utils import timezone

from jobs.codes import Code, Fact
from jobs.journal import statements, writing
from jobs.journal.rows import AttemptRow, Entry, row_of
from jobs.models import Attempt, Job, Step, Transition
from jobs.statuses import Kind


def changed(model, *unchanged):
    """The columns of a model, except those that never change once the row is there."""
    return {field.attname for field in model._meta.concrete_fields} - set(unchanged)


def entry_of(job_id, **columns):
    fact = Fact(Code.REQUEST_CANCEL)
    now = timezone.now()
    return writing.entry(Kind.REQUEST, fact, job_id=job_id, at=now, actor="", source="", **columns)


def test_a_record_has_the_columns_of_its_table():
    for record, model in ((Entry, Transition), (AttemptRow, Attempt)):
        assert {field.name for field in fields(record)} == changed(model, "id")


def test_a_batch_writes_every_column_that_can_change():
    assert {*statements.JOB, "sealed"} == changed(
        Job,
        *("id", "uuid", "definition", "params", "understood", "priority", "deadline"),
        *("key", "at_most"),
        *("again_of_id", "traceparent", "code_version", "created_at"),
    )
    assert set(statements.ENDED) == changed(
        Attempt, "id", "step_id", "number", "worker_id", "started_at"
    )
    moved = {*statements.COPIED, *statements.STARTED, "fence", "not_before"}
    assert moved | set(statements.CHARGED) == changed(
        *(Step, "id", "job_id", "name", "position", "timeout", "retries", "retry_delay"),
        *("warn_after", "queue", "rank", "log_lines"),
    )


def test_the_text_of_a_statement_does_not_depend_on_values(transactional_db):
    def texts(status, number):
        row = row_of(entry_of(number, seq=number, to_status=status), Transition)
        return [sql for sql, _ in statements.insert("entries", [row, row])]

    assert texts("failed", 1) == texts("running", 70_000)


def test_a_value_is_bound_by_its_name():
    sql, values = statements.bind(
        "UPDATE t SET a = :job.seq WHERE b = :base_seq AND c = :job.id",
        {"job": {"id": 7, "seq": 3}, "base_seq": 2},
    )
    assert sql == "UPDATE t SET a = %s WHERE b = %s AND c = %s"
    assert values == [3, 2, 7]


def test_many_rows_are_several_statements_of_bounded_size(transactional_db):
    rows = [row_of(entry_of(1, seq=n), Transition) for n in range(1, 1202)]
    sizes = [len(params) for _, params in statements.insert("entries", rows)]
    columns = len(Transition._meta.concrete_fields) - 1
    assert sizes == [500 * columns, 500 * columns, 201 * columns]
