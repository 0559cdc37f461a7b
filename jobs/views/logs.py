"""What steps have logged: as text, and the lines that people look for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from asgiref.sync import sync_to_async
from django.core.exceptions import PermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    JsonResponse,
    QueryDict,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from .. import logs, permissions
from ..models import Job, Step
from ..runner import LEVELS
from ..sight.steps import STEPS_SHOWN, StepPage
from .access import permitted, render

MOST_SENT = 10_000  # numbers of lines in one answer; of more, only how many
MOST_LISTED = 200  # lines on one page …
PARTS_AT_ONCE = 3  # … from so many parts of the logs at most
MOST_TEXT = 200  # characters to look for


@require_safe
@permitted(permissions.VIEW)
def step_log(request: HttpRequest, job_id: int, step: str) -> StreamingHttpResponse:
    """A step's log as plain text, without line numbers; ``?attempt=`` chooses one attempt.

    ``?raw=1`` is a file with the text as it was said, with all that commands a terminal.
    """
    if not permissions.may(request.user, permissions.LOG):
        raise PermissionDenied
    raw = request.GET.get("raw", "")
    if raw not in ("", "1"):
        raise Http404(f"raw={raw} is not 1.")
    attempt = request.GET.get("attempt", "")
    if attempt and not (attempt.isdecimal() and len(attempt) < 10):
        raise Http404(f"attempt={attempt} is not the number of an attempt.")
    if not step.isidentifier():  # PostgreSQL rejects a NUL in a query
        raise Http404(f"There is no step {step!r}.")
    row = get_object_or_404(Step, job=job_id, name=step)
    text = logs.text_of(row.pk, int(attempt) if attempt else None, raw=bool(raw))
    name = f"job-{job_id}-{step}{f'-attempt-{attempt}' if attempt else ''}.log"
    file = {"Content-Disposition": content_disposition_header(True, name) or ""} if raw else {}
    return StreamingHttpResponse(
        _piece_by_piece(text) if isinstance(request, ASGIRequest) else text,
        content_type="text/plain; charset=utf-8",
        headers={"X-Content-Type-Options": "nosniff"} | file,
    )


async def _piece_by_piece(text: Iterator[str]) -> AsyncIterator[str]:
    """The same for ASGI, where a synchronous stream would be read into memory as a whole."""
    take_one = sync_to_async(lambda: next(text, None))
    while (piece := await take_one()) is not None:
        yield piece


class _Named(NamedTuple):
    """A step, as it is called and where it is in its job."""

    name: str
    position: int

    @property
    def page(self) -> StepPage:
        return StepPage.of(self.position)


class _Page(NamedTuple):
    listed: list[tuple[_Named, list[logs.Line]]]
    next: str | None


@require_safe
@permitted(permissions.VIEW)
def find_lines(request: HttpRequest, job_id: int) -> HttpResponse:
    """The lines of a job's logs that have a text and a level, some at a time.

    ``?q=`` is the text, ``?level=warning`` the least level, ``?step=`` the only step, and
    ``?at=STEP:LINE`` where to go on. A page, or for a script with ``?numbers=1`` their numbers.
    """
    if not permissions.may(request.user, permissions.LOG):
        raise PermissionDenied
    job = get_object_or_404(Job, pk=job_id)
    search = _Search.of(job, request.GET)
    if request.GET.get("numbers"):
        return JsonResponse(search.answer())
    return render(request, "truestep/found.html", {"job": job, "search": search})


@dataclass(frozen=True)
class _Search:
    """What somebody looks for in the logs of a job."""

    text: str
    level: str
    step: str  # the only one; empty: all
    start: logs.Place | None
    steps: dict[int, _Named]

    @classmethod
    def of(cls, job: Job, query: QueryDict) -> _Search:
        """Raises Http404 when it cannot be understood."""
        rows = job.steps.filter(log_lines__gt=0).order_by("position")
        named = rows.values_list("pk", "name", "position")
        steps = {pk: _Named(name, position) for pk, name, position in named}
        level, step, at = (query.get(name, "") for name in ("level", "step", "at"))
        if level and level not in LEVELS:
            raise Http404(f"level={level} is not one of {', '.join(LEVELS)}.")
        if step and not (step.isidentifier() and job.steps.filter(name=step).exists()):
            raise Http404(f"There is no step {step!r}.")
        return cls(
            text=query.get("q", "")[:MOST_TEXT],
            level=level,
            step=step,
            start=_place_of(at, steps) if at else None,
            steps=steps,
        )

    @property
    def offered(self) -> list[str]:
        """Steps to choose from; of more than a page shows, the chosen one alone."""
        names = [named.name for named in self.steps.values()]
        return names if len(names) <= STEPS_SHOWN else list(filter(None, [self.step]))

    @property
    def is_asked(self) -> bool:
        return bool(self.text or self.level)

    def _find(self, start: logs.Place | None) -> logs.Found:
        wanted = logs.Wanted(self.text.lower(), LEVELS[self.level or "debug"])
        chosen = [pk for pk, named in self.steps.items() if self.step in ("", named.name)]
        return logs.find(wanted, chosen, start)

    def answer(self) -> dict[str, Any]:
        """The numbers of the lines in one part of the logs, for the page's script."""
        found = self._find(self.start)
        return {
            "searched": found.searched,
            "count": sum(map(len, found.hits.values())),
            "hits": [
                {
                    "step": pk,
                    "name": self.steps[pk].name,
                    "from": self.steps[pk].page.first,
                    "lines": lines[:MOST_SENT],
                }
                for pk, lines in found.hits.items()
            ],
            "next": self._at(found.next),
        }

    @cached_property
    def page(self) -> _Page:
        """Lines to list, and where the next page goes on."""
        places: list[logs.Place] = []
        start = self.start
        for _ in range(PARTS_AT_ONCE if self.is_asked else 0):
            found = self._find(start)
            places += [logs.Place(pk, line) for pk, lines in found.hits.items() for line in lines]
            start = found.next
            if start is None or len(places) > MOST_LISTED:
                break
        if places[MOST_LISTED:]:
            start = places[MOST_LISTED]
        by_step = groupby(places[:MOST_LISTED], attrgetter("step"))
        listed = [
            (self.steps[pk], list(logs.read_some(pk, [place.line for place in its])))
            for pk, its in by_step
        ]
        return _Page(listed, self._at(start))

    def _at(self, place: logs.Place | None) -> str | None:
        return f"{self.steps[place.step].name}:{place.line}" if place else None


def _place_of(at: str, steps: dict[int, _Named]) -> logs.Place:
    name, _, line = at.rpartition(":")
    ids = {named.name: pk for pk, named in steps.items()}
    if name not in ids or not (line.isdecimal() and len(line) < 19):
        raise Http404(f"at={at} is no line of a step with a log.")
    return logs.Place(ids[name], int(line))
