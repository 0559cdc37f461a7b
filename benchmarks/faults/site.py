"""What a run needs: servers of its own, hosts with workers, and a client that launches jobs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg

from benchmarks import processes
from benchmarks.support import ROOT
from tests.faults.pgbouncer import PgBouncer
from tests.faults.postgresql import PostgreSQL
from tests.faults.redis import RedisServer
from tests.faults.sentinel import WatchedRedis

SIDE = Path(__file__).with_name("side")
MANAGE = [sys.executable, str(ROOT / "manage.py")]
CELERY = [sys.executable, "-m", "celery", "-A", "project", "worker", "--loglevel", "warning"]
SLOTS = 2  # of a worker
UNFINISHED = 60  # jobs that the client keeps waiting: more than all slots together take at once
READY_SECONDS, END_SECONDS = 60.0, 300.0
MINE = "benchmark"  # the application_name of connections that no fault concerns


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Which servers and workers a cell needs."""

    hosts: int = 1
    workers: int = 2  # in all; each host has as many
    pooler: bool = False
    sentinel: bool = False


@dataclass
class Worker:
    """A worker process, or a Celery worker with Truestep's worker beside its pool."""

    host: str
    process: subprocess.Popen[str]
    log: Path

    def family(self) -> list[psutil.Process]:
        """The process and everything below it."""
        try:
            top = psutil.Process(self.process.pid)
            return [top, *top.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    @property
    def is_ready(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"A worker ended: {self.log.read_text()[-2000:]}")
        return "Worker with" in self.log.read_text()


class Site:
    """Everything of one run, in *directory*; *ending* stops it."""

    def __init__(
        self, ending: ExitStack, directory: Path, engine: str, layout: Layout, lease: float
    ) -> None:
        self.lease = lease
        self._ending, self._directory, self._engine = ending, directory, engine
        self._started = 0
        self.postgresql = self._keep(PostgreSQL(directory, fsync="on"))
        self.broker = self._keep(RedisServer(directory)) if engine == "celery" else None
        self.layer = self._keep(WatchedRedis(directory)) if layout.sentinel else None
        self.pooler: PgBouncer | None = None
        self._variables = self._common()
        self.manage("migrate", "-v0")
        if layout.pooler:
            self.pooler = self._keep(PgBouncer(directory, self.postgresql.url))
            self._variables |= {"DATABASE_URL": self.pooler.url, "FAULTS_POOLER": "1"}
        self.workers = [
            self.start_worker(f"host{number % layout.hosts}") for number in range(layout.workers)
        ]
        wait_until(lambda: all(worker.is_ready for worker in self.workers), READY_SECONDS)

    def start_worker(self, host: str, **variables: str) -> Worker:
        self._started += 1
        name = f"{host}-{self._started}"
        log = self._directory / f"{name}.log"
        if self._engine == "celery":
            command = [*CELERY, "--concurrency", str(SLOTS), "--hostname", name]
        else:
            command = [*MANAGE, "worker", "--slots", str(SLOTS)]
        process = processes.start(
            self._ending, command, log=log, environment=self._on(host) | variables, cwd=ROOT
        )
        return Worker(host, process, log)

    def start_client(self) -> subprocess.Popen[str]:
        command = [sys.executable, str(SIDE / "launcher.py"), str(UNFINISHED), str(self.launched)]
        log = self._directory / "client.log"
        return processes.start(
            self._ending, command, log=log, environment=self._on("client"), cwd=ROOT
        )

    def manage(self, *arguments: str) -> str:
        """What a command of ``manage.py`` prints; raises RuntimeError if it fails."""
        environment = {**os.environ, **self._on("client")}
        done = subprocess.run(
            [*MANAGE, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    def connect(self, database: str = "") -> psycopg.Connection[Any]:
        """A connection to the server that no fault of a cell concerns."""
        url = self.postgresql.url
        if database:
            url = f"{url.rpartition('/')[0]}/{database}"
        options: dict[str, Any] = {"application_name": MINE, "connect_timeout": 2}
        return psycopg.connect(url, autocommit=True, **options)

    def ask(self, statement: str) -> Any:
        """The only value that the statement returns."""
        with self.connect() as connection:
            [value] = connection.execute(statement).fetchone() or [None]
            return value

    def run_directory(self, host: str) -> Path:
        return self._directory / f"run-{host}"

    def forget_host(self, host: str) -> None:
        """Nobody sees the locks of this host any more."""
        shutil.rmtree(self.run_directory(host))

    @property
    def launched(self) -> Path:
        """A line for each job whose launch returned."""
        return self._directory / "launched"

    def _keep(self, server: Any) -> Any:
        self._ending.callback(server.stop)
        return server

    def _common(self) -> dict[str, str]:
        return {
            "DJANGO_SETTINGS_MODULE": "fault_settings",
            "PYTHONPATH": f"{SIDE}:{ROOT}",
            "DATABASE_URL": self.postgresql.url,
            "JOBS_ENGINE": self._engine,
            "CELERY_BROKER_URL": self.broker.url if self.broker else "",
            "REDIS_URL": self.layer.url if self.layer else "",
            "FAULTS_LEASE": str(self.lease),
        }

    def _on(self, host: str) -> dict[str, str]:
        return self._variables | {"FAULTS_HOST": host, "FAULTS_RUN": str(self.run_directory(host))}


def wait_until(condition: Callable[[], object], seconds: float, pause: float = 0.05) -> None:
    """Raises RuntimeError when the condition is not true within so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"Not within {seconds:g} s: {condition}")
        time.sleep(pause)
