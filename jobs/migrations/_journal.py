"""The facts of a whole journal, for ``0009_codes_of_old_entries``: each sentence, with what earlier
entries and the rows beside it say.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ._sentences import Entry, fact_of

AT_ONCE = 5000  # entries that one statement reads
CHARGED, CRASHES = {"failed", "timed out", "died", "lost"}, {"died", "lost"}
MARKS = dict.fromkeys([0x2066, 0x2067, 0x2068, 0x2069])  # a name in a sentence may have others
ROWS = """
    SELECT t.id, t.job_id, t.seq, t.kind, t.from_status, t.to_status, t.at, t.reason, t.code,
        t.step_id, s.name, s.timeout, j.definition, a.worker_id, a.verdict,
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


class Row(NamedTuple):
    """A journal entry, and what the rows beside it say."""

    id: int
    job_id: int
    seq: int
    kind: str
    from_status: str
    to_status: str
    at: datetime
    reason: str
    code: str
    step_id: int | None
    step: str | None
    timeout: float | None
    definition: str
    worker_id: int | None
    verdict: str | None
    error: str | None
    log_lines: int | None


class Written(NamedTuple):
    """What is written into an entry."""

    code: str
    data: str  # JSON
    id: int


def facts(connection: Any) -> Iterator[Written]:
    """One for each entry that has no code yet. It keeps one job and AT_ONCE entries in memory."""
    job = _Job(0)
    for row in _rows(connection):
        if row.job_id != job.id:
            yield from job.end_of_retry()
            job = _Job(row.job_id)
        yield from job.read(row)
    yield from job.end_of_retry()


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


class _Step:
    """What the entries of a step, read so far, say about its next one."""

    def __init__(self) -> None:
        self.worker: str | None = None  # that claimed it last
        self.forget_ends()

    def forget_ends(self) -> None:
        """A person's retry: the counts start again."""
        self.counts = {"failures": 0, "crashes": 0, "interruptions": 0}

    def end(self, verdict: str | None) -> None:
        self.counts["failures"] += verdict in CHARGED
        self.counts["crashes"] += verdict in CRASHES
        self.counts["interruptions"] += verdict == "interrupted"


class _Job:
    """What the entries of a job, read so far, say about its next one."""

    def __init__(self, id_: int) -> None:
        self.id = id_
        self._steps: dict[int, _Step] = {}
        self._ids: dict[str, int] = {}  # name → step, of those that have moved
        self._retry: tuple[Row, dict[str, Any]] | None = None  # a request, while its moves follow

    def read(self, row: Row) -> Iterator[Written]:
        """The facts that are complete now: a retry is, once the steps that it takes are known."""
        step = self._steps.setdefault(row.step_id or 0, _Step())
        code, data = fact_of(_entry(row, step.worker))
        if not self._is_of_retry(row):
            yield from self.end_of_retry()
        if row.kind == "move" and row.step_id and row.step:
            self._ids[row.step.translate(MARKS)] = row.step_id
            data |= self._move(row, step, data)
        if code == "request.retry":
            self._retry = row, data
        elif not row.code:
            yield Written(code, json.dumps(data), row.id)

    def end_of_retry(self) -> Iterator[Written]:
        if self._retry:
            row, data = self._retry
            self._retry = None
            if not row.code:
                yield Written("request.retry", json.dumps(data), row.id)

    def _is_of_retry(self, row: Row) -> bool:
        """Whether it takes back an end for the retry that was read last: right after it."""
        is_of_end = row.kind == "move" and row.from_status in ("failed", "cancelled", "skipped")
        return self._retry is not None and is_of_end and row.at == self._retry[0].at

    def _move(self, row: Row, step: _Step, data: dict[str, Any]) -> dict[str, Any]:
        """Follow a step's move. Returns the data that the entries before tell."""
        if row.to_status == "running":
            step.worker = data.get("worker")
        if row.from_status == "running":
            step.end(row.verdict)
            return {"log_lines": row.log_lines or 0, **step.counts}
        if row.to_status == "pending":
            step.forget_ends()
            if self._retry and row.from_status != "skipped":
                self._retry[1]["steps"].append(row.step)
        if "dependency" in data:
            return {"dependency_id": self._ids.get(data["dependency"].translate(MARKS))}
        return {}


def _entry(row: Row, worker: str | None) -> Entry:
    return Entry(
        kind=row.kind,
        from_status=row.from_status,
        to_status=row.to_status,
        at=row.at if row.at.tzinfo else row.at.replace(tzinfo=UTC),
        reason=row.reason,
        step=row.step,
        timeout=row.timeout,
        definition=row.definition,
        worker=worker,
        worker_id=row.worker_id,
        error=row.error,
    )
