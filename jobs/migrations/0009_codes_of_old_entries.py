"""Give each entry of an older release its code and data, as far as its sentence tells them.

Every other column keeps what it has. All of it is one transaction, which needs memory for a few
thousand entries at a time. `audit` runs at the end.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC
from itertools import islice
from typing import Any, NamedTuple

from django.core.management import CommandError, call_command
from django.db import connections, migrations, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models.signals import post_migrate

from ._sentences import Entry, Fact, fact_of
from ._workers import living

AT_ONCE = 5000  # entries that are read, and written, by one statement
MOST_AUDITED = 50_000  # entries; with more of them, it says to run ``audit``
GUARD = "truestep_journal_unchanged"
CHARGED, CRASHES = {"failed", "timed out", "died", "lost"}, {"died", "lost"}
MARKS = dict.fromkeys([0x2066, 0x2067, 0x2068, 0x2069])  # a name in a sentence may have others


class Row(NamedTuple):
    """A journal entry, and what the rows beside it say."""

    id: int
    job_id: int
    seq: int
    kind: str
    step_id: int | None
    from_status: str
    to_status: str
    at: Any
    reason: str
    code: str
    step: str | None
    timeout: float | None
    definition: str
    worker_id: int | None
    verdict: str | None
    error: str | None
    log_lines: int | None


ROWS = """
    SELECT t.id, t.job_id, t.seq, t.kind, t.step_id, t.from_status, t.to_status, t.at, t.reason,
        t.code, s.name, s.timeout, j.definition, a.worker_id, a.verdict,
        CASE WHEN a.verdict = 'died' THEN a.error END,
        CASE WHEN t.from_status = 'running' THEN (
            SELECT c."last" FROM truestep_logchunk AS c
            WHERE c.step_id = t.step_id AND c.attempt <= t.attempt ORDER BY c."first" DESC LIMIT 1
        ) END
    FROM truestep_transition AS t
    JOIN truestep_job AS j ON j.id = t.job_id
    LEFT JOIN truestep_step AS s ON s.id = t.step_id
    LEFT JOIN truestep_attempt AS a ON a.step_id = t.step_id AND a.number = t.attempt
    WHERE (t.job_id, t.seq) > (%s, %s) ORDER BY t.job_id, t.seq LIMIT %s
"""


def add_codes(apps: Any, schema_editor: Any) -> None:
    connection = schema_editor.connection
    Transition = apps.get_model("truestep", "Transition")
    entries = Transition.objects.using(connection.alias)
    if not entries.filter(code="").exists():
        return
    with transaction.atomic(connection.alias), _unguarded(connection):
        facts = _facts(_rows(connection))
        while some := list(islice(facts, AT_ONCE)):
            _write(connection, some)
    _audit_at_the_end(entries)


def _rows(connection: Any) -> Iterator[Row]:
    """The whole journal, job by job."""
    position = (0, 0)
    while True:
        with connection.cursor() as cursor:
            cursor.execute(ROWS, [*position, AT_ONCE])
            found = [Row(*values) for values in cursor.fetchall()]
        yield from found
        if len(found) < AT_ONCE:
            return
        position = (found[-1].job_id, found[-1].seq)


def _facts(rows: Iterable[Row]) -> Iterator[tuple[int, Fact]]:
    """The id of each entry without a code, with its fact."""
    journal = _Journal(0)
    for row in rows:
        if row.job_id != journal.job_id:
            yield from journal.end_of_request()
            journal = _Journal(row.job_id)
        yield from journal.read(row)
    yield from journal.end_of_request()


class _Journal:
    """What earlier entries of a job tell about its next one."""

    def __init__(self, job_id: int) -> None:
        self.job_id = job_id
        self._counts: dict[int, dict[str, int]] = {}  # step → charged attempts, as after its entry
        self._workers: dict[int, str] = {}  # step → who claimed it
        self._steps: dict[str, int] = {}  # name → step, of those that have moved
        self._request: tuple[Row, Fact] | None = None  # a retry whose steps are being read

    def read(self, row: Row) -> Iterator[tuple[int, Fact]]:
        """The facts that are complete with this row: of a retry only once its steps are known."""
        code, data = fact_of(self._entry(row))
        if not self._is_taken_back(row):
            yield from self.end_of_request()
        if row.kind == "move" and row.step_id:
            self._follow(row, code, data)
        if code == "request.retry":
            self._request = row, (code, data)
        elif not row.code:
            yield row.id, (code, data)

    def end_of_request(self) -> Iterator[tuple[int, Fact]]:
        if self._request and not self._request[0].code:
            yield self._request[0].id, self._request[1]
        self._request = None

    def _entry(self, row: Row) -> Entry:
        return Entry(
            kind=row.kind,
            from_status=row.from_status,
            to_status=row.to_status,
            at=row.at if row.at.tzinfo else row.at.replace(tzinfo=UTC),
            reason=row.reason,
            step=row.step,
            timeout=row.timeout,
            definition=row.definition,
            worker=self._workers.get(row.step_id or 0),
            worker_id=row.worker_id,
            error=row.error,
        )

    def _is_taken_back(self, row: Row) -> bool:
        """Whether the retry that was read last takes back an end here: right after it."""
        is_of_end = row.kind == "move" and row.from_status in ("failed", "cancelled", "skipped")
        return bool(self._request) and is_of_end and row.at == self._request[0].at

    def _follow(self, row: Row, code: str, data: dict[str, Any]) -> None:
        self._steps[_key(row.step)] = row.step_id
        if code == "step.claimed":
            self._workers[row.step_id] = data["worker"]
        if code == "step.dependency_unsuccessful":
            data["dependency_id"] = self._steps.get(_key(data["dependency"]))
        if row.to_status == "pending" and row.from_status != "running":
            self._counts.pop(row.step_id, None)
            if self._request and row.from_status != "skipped":
                self._request[1][1]["steps"].append(row.step)
        if row.from_status == "running":
            data |= {"log_lines": row.log_lines or 0, **self._count(row)}

    def _count(self, row: Row) -> dict[str, int]:
        none = {"failures": 0, "crashes": 0, "interruptions": 0}
        counts = self._counts.setdefault(row.step_id, none)
        counts["failures"] += row.verdict in CHARGED
        counts["crashes"] += row.verdict in CRASHES
        counts["interruptions"] += row.verdict == "interrupted"
        return counts


def _key(name: str) -> str:
    return name.translate(MARKS)


def _write(connection: Any, facts: list[tuple[int, Fact]]) -> None:
    """One statement for all, on PostgreSQL; SQLite is as fast with one for each."""
    rows = [(code, json.dumps(data), pk) for pk, (code, data) in facts]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "UPDATE truestep_transition AS t SET code = new.code, data = new.data "
                "FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS new(code, data, id) "
                "WHERE t.id = new.id",
                [list(column) for column in zip(*rows)],
            )
        else:
            cursor.executemany(
                "UPDATE truestep_transition SET code = %s, data = %s WHERE id = %s", rows
            )


@contextmanager
def _unguarded(connection: Any) -> Iterator[None]:
    """Without the trigger that keeps each entry as it is; it is back at the end, if it was there.

    ``migrate`` itself drops every trigger on SQLite, and makes them again afterwards.
    """
    off, on = _switches(connection)
    with connection.cursor() as cursor:
        if off:
            cursor.execute(off)
        yield
        if on:
            cursor.execute(on)


def _switches(connection: Any) -> tuple[str, str]:
    """The statements that take the trigger away and bring it back; empty when there is none."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT 1 FROM pg_trigger WHERE tgname = %s", [GUARD])
            switch = "ALTER TABLE truestep_transition {} TRIGGER " + GUARD
            found = (switch.format("DISABLE"), switch.format("ENABLE")) if cursor.fetchone() else None
        else:
            cursor.execute("SELECT sql FROM sqlite_master WHERE name = %s", [GUARD])
            made = cursor.fetchone()
            found = (f"DROP TRIGGER {GUARD}", made[0]) if made else None
    return found or ("", "")


def _audit_at_the_end(entries: Any) -> None:
    """Audit once every migration is through: the command reads rows as they are then."""
    total, unknown = entries.count(), entries.filter(code="text").count()

    def audit(using: str, app_config: Any, stdout: Any = None, **kwargs: Any) -> None:
        if using != entries.db or app_config.label != "truestep":
            return
        post_migrate.disconnect(dispatch_uid=GUARD)
        out = stdout or sys.stdout
        out.write(f"{total:,} journal entries have codes; {unknown:,} of them keep their text.\n")
        if total > MOST_AUDITED or _more_to_come(entries.db):
            out.write("Compare the rows with the journal: manage.py audit\n")
            return
        try:
            call_command("audit", stdout=out)
        except SystemExit:  # it has written what differs
            out.write("These differences are not from this migration, which changes no status.\n")

    post_migrate.connect(audit, weak=False, dispatch_uid=GUARD)


def _more_to_come(alias: str) -> bool:
    executor = MigrationExecutor(connections[alias])
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes("truestep")))


class Migration(migrations.Migration):
    atomic = False  # it has one transaction of its own

    dependencies = [("truestep", "0008_codes_and_data")]

    operations = [migrations.RunPython(add_codes, migrations.RunPython.noop)]

    def before_migrate(self, connection: Any) -> None:
        """Refuse while workers live, before anything is changed."""
        if crew := living(connection):
            raise CommandError(
                "This migration rewrites the journal, and workers write to it: "
                f"{', '.join(crew)}. Nothing was changed. Stop them (SIGTERM: their steps go back "
                "to the queue), then run migrate again."
            )
