"""Which steps a worker can run: those it knows, of the jobs that it takes and queues it serves."""

from __future__ import annotations

from collections.abc import Iterable

from ..models import Worker
from ..statuses import Wanted


def takes(worker: Worker, job_id: int) -> bool:
    """Whether the worker starts steps of this job: some work for one job alone, some drain."""
    return worker.wanted == Wanted.WORK and worker.only_job_id in (None, job_id)


def serves(worker: Worker, queue: str) -> bool:
    """Whether the worker runs steps of this queue."""
    return not worker.queues or queue in worker.queues


def workers_for(job_id: int, among: Iterable[Worker]) -> list[Worker]:
    """The workers in *among* that start steps of this job."""
    return [worker for worker in among if takes(worker, job_id)]


def knows(worker: Worker, definition: str, step: str) -> bool:
    """Whether the worker knows how to run this step of the definition."""
    return step in worker.knows.get(definition, ())


class KnownSteps:
    """The steps that at least one of some workers knows and runs."""

    def __init__(self, workers: Iterable[Worker]) -> None:
        self._names: dict[tuple[int | None, str | None, str], set[str]] = {}
        for worker in workers:
            for queue in worker.queues or [None]:
                for definition, names in worker.knows.items():
                    its = (worker.only_job_id, queue, definition)
                    self._names.setdefault(its, set()).update(names)

    def has(self, step: str, definition: str, queue: str, job_id: int | None) -> bool:
        """Whether a step of that name is known; *job_id* is None for one of a new job."""
        return any(
            step in self._names.get((only, served, definition), ())
            for only in {None, job_id}
            for served in (None, queue)
        )
