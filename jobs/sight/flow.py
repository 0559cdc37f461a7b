"""What has happened since a process first looked: launches, ends, run times and queue waits.

Everything is counted from the journal, entry by entry and each one once, so no number ever becomes
lower. A look reads only the entries that are new since the last one, and MOST_READ at most.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import Any

from .. import database
from ..codes import Code
from ..statuses import TERMINAL, Kind, Status
from ..tallies import Histogram

MOST_READ = 50_000  # entries in one look; those that are left wait for the next one
# On PostgreSQL an entry may become visible after one with a higher number. So an entry is counted
# only when a number not below its own was seen so long ago. No transaction of a worker takes as
# long. That of a caller who launches may: then the launch is not counted.
SETTLED_SECONDS = 10.0
BOUNDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800)  # seconds

Label = Callable[[str], str]  # of a definition

# ``|| ''`` keeps databases from the index by kind, which has every entry of the history.
_RANGE = "FROM truestep_transition AS e WHERE e.id > %s AND e.id <= %s"
_MOVES = f"""
    SELECT (SELECT definition FROM truestep_job WHERE id = job_id), is_step, kind, status, count(*)
    FROM (
        SELECT e.job_id, CASE WHEN e.step_id IS NULL THEN 0 ELSE 1 END AS is_step, e.kind,
            e.to_status AS status
        {_RANGE} AND e.kind || '' IN ('{Kind.BIRTH}', '{Kind.MOVE}')
    ) AS moves
    GROUP BY 1, is_step, kind, status
"""
_LATE_WRITES = f"SELECT count(*) {_RANGE} AND e.code = '{Code.NOTE_LATE_WRITE}'"
_RUNS = f"""
    SELECT (SELECT definition FROM truestep_job WHERE id = e.job_id) AS definition,
        attempt.verdict AS verdict, {{seconds}} AS seconds
    FROM truestep_transition AS e
    JOIN truestep_attempt AS attempt
        ON attempt.step_id = e.step_id AND attempt.number = e.attempt
    WHERE e.id > %s AND e.id <= %s AND e.kind || '' = '{Kind.MOVE}'
        AND e.from_status = '{Status.RUNNING}' AND attempt.ended_at IS NOT NULL
"""
# A first attempt could begin when its job was launched, the last step that it needs had succeeded,
# or a person had retried what had ended before.
_WAITS = f"""
    SELECT definition, '' AS verdict, {{seconds}} AS seconds FROM (
        SELECT job.definition, e.at AS began, (
            SELECT max(at) FROM (
                SELECT job.created_at AS at
                UNION ALL
                SELECT retried.at FROM truestep_transition AS retried
                WHERE retried.step_id = e.step_id AND retried.to_status = '{Status.PENDING}'
                    AND retried.seq < e.seq
                UNION ALL
                SELECT (
                    SELECT max(ended_at) FROM truestep_attempt WHERE step_id = need.needed_id
                ) FROM truestep_need AS need WHERE need.step_id = e.step_id
            ) AS moments
        ) AS ready
        FROM truestep_transition AS e JOIN truestep_job AS job ON job.id = e.job_id
        WHERE e.id > %s AND e.id <= %s AND e.kind || '' = '{Kind.MOVE}'
            AND e.to_status = '{Status.RUNNING}' AND e.step_id IS NOT NULL AND e.attempt = 1
    ) AS starts
"""
_BUCKET = " ".join(f"WHEN seconds <= {bound} THEN {place}" for place, bound in enumerate(BOUNDS))
# Where a clock was set back meanwhile, it took no time.
_IN_BUCKETS = f"""
    WITH timed AS MATERIALIZED ({{rows}})
    SELECT definition, verdict, CASE {_BUCKET} ELSE {len(BOUNDS)} END AS bucket, count(*),
        sum(CASE WHEN seconds > 0 THEN seconds ELSE 0 END)
    FROM timed
    GROUP BY definition, verdict, bucket
"""


class Flow:
    """Follows the journal. Its numbers begin at 0 with the first look."""

    def __init__(self) -> None:
        self.launched: Counter[str] = Counter()  # jobs, by definition
        self.jobs_ended: Counter[tuple[str, str]] = Counter()  # by definition and status
        self.steps_ended: Counter[tuple[str, str]] = Counter()
        self.attempts_ended: Counter[tuple[str, str]] = Counter()  # by definition and verdict
        self.run_seconds: dict[str, Histogram] = {}  # of attempts, by definition
        self.queue_seconds: dict[str, Histogram] = {}  # of first attempts
        self.late_writes = 0
        self.behind = 0  # entries that are there and not counted yet
        self._lock = threading.Lock()
        self._counted: int | None = None  # the number of the last entry that is counted
        self._seen: deque[tuple[float, int]] = deque()  # when which number was the highest

    def look(self, label: Label) -> None:
        """Count what is new; *label* says under which name. Raises what the database raises."""
        with self._lock, database.snapshot():
            [(newest,)] = database.rows("SELECT coalesce(max(id), 0) FROM truestep_transition")
            settled = self._settled(newest)
            if self._counted is None or newest < self._counted:  # the latter: it was restored
                self._counted = newest
            if last := _last(self._counted, settled):
                self._count(self._read(self._counted, last), label)
                self._counted = last
            self.behind = newest - self._counted

    def _settled(self, newest: int) -> int:
        """Up to where all entries that will ever be visible are."""
        now = time.monotonic()
        if self._seen and newest < self._seen[-1][1]:
            self._seen.clear()
        if not self._seen or newest > self._seen[-1][1]:
            self._seen.append((now, newest))
        while len(self._seen) > 1 and now - self._seen[1][0] >= SETTLED_SECONDS:
            self._seen.popleft()
        at, number = self._seen[0]
        return number if now - at >= SETTLED_SECONDS else 0

    def _read(self, after: int, last: int) -> dict[str, list[tuple[Any, ...]]]:
        between = database.dialect().seconds_between
        runs = _RUNS.format(seconds=between("attempt.started_at", "attempt.ended_at"))
        waits = _WAITS.format(seconds=between("ready", "began"))
        asked = {
            "moves": _MOVES,
            "late": _LATE_WRITES,
            "runs": _IN_BUCKETS.format(rows=runs),
            "waits": _IN_BUCKETS.format(rows=waits),
        }
        return {name: database.rows(sql, after, last) for name, sql in asked.items()}

    def _count(self, read: dict[str, list[tuple[Any, ...]]], label: Label) -> None:
        for definition, is_step, kind, status, count in read["moves"]:
            if kind == Kind.BIRTH:
                self.launched[label(definition)] += count
            elif status in TERMINAL:
                ended = self.steps_ended if is_step else self.jobs_ended
                ended[label(definition), status] += count
        [(late,)] = read["late"]
        self.late_writes += late
        _add(self.run_seconds, read["runs"], label)
        for definition, verdict, _, count, _ in read["runs"]:
            self.attempts_ended[label(definition), verdict] += count
        _add(self.queue_seconds, read["waits"], label)


def _last(after: int, settled: int) -> int:
    """The last of the entries to read, or 0. Numbers are no measure: whole ranges may be gone."""
    sql = """
        SELECT coalesce(max(id), 0) FROM (
            SELECT id FROM truestep_transition WHERE id > %s AND id <= %s ORDER BY id LIMIT %s
        ) AS entries
    """
    [(last,)] = database.rows(sql, after, settled, MOST_READ)
    return int(last)


def _add(to: dict[str, Histogram], rows: Iterable[tuple[Any, ...]], label: Label) -> None:
    for definition, _, bucket, count, total in rows:
        to.setdefault(label(definition), Histogram(BOUNDS)).add(bucket, count, float(total))
