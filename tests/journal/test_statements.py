"""The SQL of a batch, which is written by hand, fits the models."""

from __future__ import annotations

from django.utils import timezone

from jobs.journal import statements
from jobs.models import Attempt, Job, Step, Transition


def changed(model, *unchanged):
    """The columns of a model, except those that never change once the row is there."""
    return {field.attname for field in model._meta.concrete_fields} - set(unchanged)


def test_a_batch_writes_every_column_that_can_change():
    assert set(statements._JOB) == changed(
        Job, "id", "uuid", "definition", "params", "understood", "again_of_id", "created_at"
    )
    assert set(statements._ENDED) == changed(
        Attempt, "id", "step_id", "number", "worker_id", "started_at"
    )
    moved = {*statements.COPIED, *statements.STARTED, "fence", "not_before"}
    assert moved | set(statements._CHARGED) == changed(
        *(Step, "id", "job_id", "name", "position", "timeout", "retries", "retry_delay"),
        "log_lines",
    )


def test_the_text_of_a_statement_does_not_depend_on_values(transactional_db):
    def texts(status, number):
        entry = Transition(job_id=number, seq=number, to_status=status, at=timezone.now())
        return [
            *(sql for sql, _ in statements.insert_entries([entry, entry])),
            statements.update_job(Job(pk=number, status=status), number, "tag")[0],
            statements.move_steps(Job(pk=number), number)[0],
        ]

    assert texts("failed", 1) == texts("running", 70_000)


def test_many_rows_are_several_statements_of_bounded_size(transactional_db):
    entries = [Transition(job_id=1, seq=n, at=timezone.now()) for n in range(1, 1202)]
    sizes = [len(params) for _, params in statements.insert_entries(entries)]
    columns = len(Transition._meta.concrete_fields) - 1
    assert sizes == [500 * columns, 500 * columns, 201 * columns]
