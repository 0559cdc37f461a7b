"""Which steps a worker can run: those it knows, of all jobs or of one job alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ..models import Worker


def workers_for(job_id: int, among: Iterable[Worker]) -> list[Worker]:
    """The workers in *among* that run steps of this job: some work for one job alone."""
    return [worker for worker in among if worker.only_job_id in (None, job_id)]


def knows_steps(worker: Worker, definition: str, steps: Collection[str]) -> bool:
    """Whether the worker knows all these steps of the definition."""
    return set(steps) <= set(worker.knows.get(definition, ()))


class KnownSteps:
    """The steps that at least one of some workers knows and runs."""

    def __init__(self, workers: Iterable[Worker]) -> None:
        self._names: dict[tuple[int | None, str], set[str]] = {}
        for worker in workers:
            for definition, names in worker.knows.items():
                self._names.setdefault((worker.only_job_id, definition), set()).update(names)

    def has(self, job_id: int, definition: str, step: str) -> bool:
        """Whether a step of that name in this job is known."""
        return any(step in self._names.get((only, definition), ()) for only in (None, job_id))
