"""Measures one subject: starts it in an empty database, lets its client work, and counts."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import machine, processes
from benchmarks.support import ROOT

from .services import PostgreSQL, Redis
from .subjects import POSTGRESQL, Subject

QUEUES = Path(__file__).with_name("queues")
WARM_UP_JOBS = 20
SHAPES = (5, 1)  # steps of a job, which run one after another
PARTS = ("worker", "fork server", "slots")  # of our own workers: each starts the next


@dataclass(frozen=True)
class Figures:
    """How much to measure."""

    jobs: int  # launched at once, of each shape
    idle: int  # launched one by one, of each shape
    shapes: tuple[int, ...] = SHAPES

    def of_throughput(self) -> Figures:
        """Fewer jobs, of five steps only, and none of them alone."""
        return Figures(max(1, self.jobs // 2), idle=0, shapes=SHAPES[:1])


@dataclass(frozen=True)
class Measured:
    """What one shape of job took."""

    rate: float  # steps a second, from the first launch to the last end
    idle: list[float]  # milliseconds from launch to end, one job at a time
    parts: dict[str, float]  # milliseconds of CPU a step, where it is used

    @property
    def workers(self) -> float:
        return sum(self.parts[part] for part in PARTS)

    @property
    def total(self) -> float:
        return sum(self.parts.values())


@dataclass(frozen=True)
class Result:
    """What one run of a subject took."""

    shapes: dict[int, Measured]  # by steps
    durability: dict[str, str]  # settings, as a worker reads them from its connection
    fsync: float
    spins: tuple[float, float]  # before and after


class Bench:
    """The servers and the directory that all subjects use, one after the other."""

    def __init__(self, ending: ExitStack, directory: Path) -> None:
        self.postgresql = PostgreSQL(ending, directory)
        self.redis = Redis(ending, directory)
        self.directory = directory
        self._runs = 0

    def measure(self, subject: Subject, figures: Figures) -> Result:
        """Run the subject once."""
        self._runs += 1
        directory = self.directory / f"{self._runs}-{subject.key}"
        directory.mkdir()
        environment = self._environment(subject, directory)
        fsync, before = machine.fsync(directory), machine.spin()
        with _running(subject, environment, directory) as (client, workers):
            client.ask("run", jobs=WARM_UP_JOBS, steps=max(SHAPES))
            shapes = {
                steps: self._measure_shape(subject, client, workers, figures, steps)
                for steps in figures.shapes
            }
            durability = client.ask("durability")["durability"]
        return Result(shapes, durability, fsync, (before, machine.spin()))

    def _environment(self, subject: Subject, directory: Path) -> dict[str, str]:
        file = directory / "database.sqlite3"
        variables = {
            "PEERS_DATABASE": subject.database,
            "PEERS_FILE": str(file),
            "PEERS_RUN": str(directory / "run"),
            "PEERS_TOLD": str(directory / "durability.json"),
            "DATABASE_URL": f"sqlite:///{file}",
            "REDIS_URL": self.redis.url if subject.uses_redis else "",
            "DJANGO_SETTINGS_MODULE": "django_settings",
            "PYTHONPATH": str(QUEUES),
            **subject.settings,
        }
        if subject.database == POSTGRESQL:
            variables |= self.postgresql.new_database("peers")
        if subject.has_broker:
            variables["CELERY_BROKER_URL"] = self.redis.url
        if subject.is_ours:
            variables["DJANGO_SETTINGS_MODULE"] = "truestep_settings"
            variables["PYTHONPATH"] = f"{QUEUES}:{ROOT}"
        return variables

    def _measure_shape(
        self,
        subject: Subject,
        client: Client,
        workers: list[int],
        figures: Figures,
        steps: int,
    ) -> Measured:
        idle = client.ask("idle", jobs=figures.idle, steps=steps)["milliseconds"]
        processes_before, before = processes.alive(workers), self._cpu(subject, workers)
        run = client.ask("run", jobs=figures.jobs, steps=steps)
        after = self._cpu(subject, workers)
        if subject.is_shared and not processes_before <= processes.alive(workers):
            raise RuntimeError("Processes ended with their job: shared_slots.py does not work.")
        count = figures.jobs * steps
        used = {part: after[part] - before[part] for part in after}
        used["launch"] = run["launch_cpu"]
        parts = {part: seconds / count * 1000 for part, seconds in used.items()}
        return Measured(count / run["seconds"], idle, parts)

    def _cpu(self, subject: Subject, workers: list[int]) -> dict[str, float]:
        """The CPU seconds so far of each part."""
        generations = zip(*map(processes.cpu_by_generation, workers), strict=True)
        parts = dict(zip(PARTS, map(sum, generations), strict=True))
        servers = [self.postgresql.pid] if subject.database == POSTGRESQL else []
        servers += [self.redis.pid] if subject.uses_redis or subject.has_broker else []
        return parts | {"database": processes.cpu(*servers)}


class Client:
    """``queues/client.py`` with the subject's own library."""

    def __init__(
        self, ending: ExitStack, subject: Subject, environment: dict[str, str], directory: Path
    ) -> None:
        self._log = directory / "client.log"
        self._process = processes.start(
            ending,
            [subject.python, QUEUES / "client.py", subject.module],
            log=self._log,
            environment=environment,
            cwd=QUEUES,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._answer()  # it is ready

    def ask(self, what: str, **options: int) -> dict[str, Any]:
        assert self._process.stdin
        print(json.dumps({"do": what, **options}), file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"The client has ended:\n{self._log.read_text()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def _running(
    subject: Subject, environment: dict[str, str], directory: Path
) -> Iterator[tuple[Client, list[int]]]:
    """The subject's client, and the process ids of its workers."""
    with ExitStack() as ending:
        client = Client(ending, subject, environment, directory)
        workers = [
            processes.start(
                ending,
                command,
                log=directory / f"worker-{number}.log",
                environment=environment,
                cwd=ROOT if subject.is_ours else QUEUES,
            ).pid
            for number, command in enumerate(subject.workers)
        ]
        yield client, workers
