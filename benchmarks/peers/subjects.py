"""The queues that are compared, each with its workers and the settings that suit it.

Why these settings: README, "Other queues".
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.support import MANAGE

from . import environment

POSTGRESQL, SQLITE = "postgresql", "sqlite"
DATABASES = {POSTGRESQL: "PostgreSQL", SQLITE: "SQLite"}
WORKERS = 2  # processes that run steps, of every queue
START_AND_END = "start and end"


@dataclass(frozen=True)
class Subject:
    """A queue on a database, as it runs in the benchmark."""

    key: str
    name: str  # in the tables
    database: str
    module: str  # of queues/, which the client loads
    workers: tuple[tuple[str, ...], ...]  # their commands
    stores: str = START_AND_END  # what is kept of each step
    settings: dict[str, str] = field(default_factory=dict)  # environment variables
    uses_redis: bool = False
    has_broker: bool = False  # ours, with Celery's messages in Redis, and nothing else there
    is_ours: bool = False
    is_shared: bool = False  # our processes go on to the next job

    @property
    def python(self) -> Path:
        return Path(sys.executable) if self.is_ours else environment.program("python")


def truestep(
    database: str,
    *,
    workers: int = WORKERS,
    slots: int = 2,
    redis: bool = False,
    shared: bool = False,
) -> Subject:
    """*shared*: processes go on to the next job, which Truestep has no option for."""
    parts = {"with Redis": redis, "shared processes": shared}
    extra = "".join(f", {words}" for words, is_so in parts.items() if is_so)
    return Subject(
        key=f"truestep-{'redis' if redis else database}{'-shared' if shared else ''}",
        name=f"Truestep{extra}",
        database=database,
        module="with_truestep",
        workers=((*MANAGE, "worker", "--slots", str(slots)),) * workers,
        settings={"PEERS_SHARED": "1"} if shared else {},
        uses_redis=redis,
        is_ours=True,
        is_shared=shared,
    )


def _truestep_in_celery() -> Subject:
    celery = (sys.executable, "-m", "celery", "-A", "project", "worker")
    return Subject(
        key="truestep-celery",
        name="Truestep, in Celery workers",
        database=POSTGRESQL,
        module="with_truestep",
        workers=((*celery, "-c", str(WORKERS), "-l", "WARNING"),),
        settings={"JOBS_ENGINE": "celery"},
        has_broker=True,
        is_ours=True,
    )


def _procrastinate(*, is_tuned: bool) -> Subject:
    worker = _command("procrastinate", "--app", "with_procrastinate.app", "worker")
    return Subject(
        key="procrastinate" if is_tuned else "procrastinate-default",
        name="procrastinate, tuned" if is_tuned else "procrastinate, as installed",
        database=POSTGRESQL,
        module="with_procrastinate",
        workers=((*worker, "--concurrency", "2") if is_tuned else worker,) * WORKERS,
    )


def _celery(*, is_tuned: bool) -> Subject:
    worker = _command("celery", "-A", "with_celery", "worker", "-c", str(WORKERS), "-l", "WARNING")
    return Subject(
        key="celery" if is_tuned else "celery-default",
        name="Celery, tuned" if is_tuned else "Celery, as installed",
        database=POSTGRESQL,
        module="with_celery",
        workers=(worker,),
        settings={"PEERS_TUNED": "1"} if is_tuned else {},
        uses_redis=True,
    )


def _django_tasks(database: str) -> Subject:
    worker = _command("python", "-m", "django", "db_worker", "--interval", "0.01")
    return Subject(
        key=f"django-tasks-{database}",
        name="django-tasks-db, tuned",
        database=database,
        module="with_django_tasks",
        workers=(worker,) * WORKERS,
        settings={"PEERS_TUNED": "1"},
    )


def _huey() -> Subject:
    worker = _command(
        *("huey_consumer", "with_huey.huey", "-w", str(WORKERS), "-k", "process", "-q"),
        *("-d", "0.01", "-m", "0.01"),
    )
    return Subject("huey", "Huey, tuned", SQLITE, "with_huey", (worker,), "result only")


def _dbos(database: str) -> Subject:
    worker = _command("python", "with_dbos.py")
    return Subject(
        f"dbos-{database}", "DBOS, tuned", database, "with_dbos", (worker,) * WORKERS, "end"
    )


def _command(program: str, *arguments: str) -> tuple[str, ...]:
    return (str(environment.program(program)), *arguments)


OURS = {database: truestep(database) for database in (POSTGRESQL, SQLITE)}
COMPARED = (
    OURS[POSTGRESQL],
    truestep(POSTGRESQL, redis=True),
    _truestep_in_celery(),
    _procrastinate(is_tuned=True),
    _procrastinate(is_tuned=False),
    _django_tasks(POSTGRESQL),
    _celery(is_tuned=True),
    _celery(is_tuned=False),
    _dbos(POSTGRESQL),
    OURS[SQLITE],
    _django_tasks(SQLITE),
    _dbos(SQLITE),
    _huey(),
)
# Ours alone: what its throughput depends on.
SHARED = {database: truestep(database, shared=True) for database in DATABASES}
SCALES = (1, 2, 4)
SCALED = {
    (database, workers, slots): replace(
        truestep(database, workers=workers, slots=slots),
        key=f"scaling-{database}-{workers}-{slots}",
    )
    for database in DATABASES
    for workers in SCALES
    for slots in SCALES
}
