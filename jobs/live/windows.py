"""What a list shows: some jobs, by its filter and position, and a mark of how they look."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from django.db.models import Count
from django.http import QueryDict

from .. import database
from ..models import Job, JobQuerySet
from ..text import clean

PAGE_SIZE = 50


@dataclass(frozen=True)
class Window:
    """A page of the list. Equal windows share one reader."""

    status: str = ""
    definition: str = ""
    before: int | None = None  # jobs older than this one

    @classmethod
    def of(cls, query: QueryDict) -> Window:
        """The window that a query string asks for. Raises ValueError when it means nothing."""
        before = query.get("before") or None
        if before is not None and not (before.isdecimal() and len(before) < 19):
            raise ValueError(f"before={before} is not the number of a job.")
        return cls(
            status=clean(query.get("status", "")),
            definition=clean(query.get("definition", "")),
            before=int(before) if before else None,
        )

    def jobs(self) -> JobQuerySet:
        """One job more than a page holds: whether there is an older page."""
        jobs = Job.objects.newest_first()
        if self.status:
            jobs = jobs.filter(status=self.status)
        if self.definition:
            jobs = jobs.filter(definition=self.definition)
        if self.before is not None:
            jobs = jobs.filter(pk__lt=self.before)
        return jobs[: PAGE_SIZE + 1]

    def mark(self) -> str:
        """Equal for equal pages: a digest of the jobs' (id, seq) pairs and of the counts."""
        with database.snapshot():
            shown = list(self.jobs().values_list("pk", "seq")), sorted(counts().items())
        return hashlib.sha256(repr(shown).encode()).hexdigest()[:8]


def counts() -> dict[str, int]:
    """How many jobs there are by status."""
    by_status = Job.objects.order_by().values_list("status")
    return dict(by_status.annotate(n=Count("pk")))
