"""What steps have logged: as text."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.core.exceptions import PermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from .. import logs, permissions
from ..models import Step
from .access import permitted


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
