"""For load balancers and the page's script: whether the web process answers, and can work."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from .. import database, journal, news, workers
from ..exceptions import DatabaseUnusable, NotReady
from ..sight import backlog

logger = logging.getLogger("truestep.views.health")

_logged = ""  # the last reason for not being ready


@database.non_atomic
@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Return 200. It needs neither a login nor the database."""
    return HttpResponse("ok", content_type="text/plain")


@database.non_atomic
@login_not_required
@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Whether this process can serve pages, as JSON: 503 when the database is not ready.

    An unreachable channel layer is reported only: jobs run as usual and pages catch up by their
    tick. So are workers that are missing and steps that wait, which no other web process could
    help.
    """
    found: dict[str, Any] = {"workers": None, "oldest_ready_step_seconds": None}
    try:
        _read(found)
    except NotReady as error:
        _log(str(error))
        found |= {"ready": False, "database": error.code}  # the text may name hosts and people
    else:
        _log("")
        found |= {"ready": True, "database": "ready"}
    found["channel_layer"] = news.probe()
    return JsonResponse(dict(sorted(found.items())), status=200 if found["ready"] else 503)


def _read(found: dict[str, Any]) -> None:
    journal.require_current()
    try:
        found["workers"] = len(workers.living())
        seconds = backlog.oldest_ready_seconds()
    except database.DATABASE_ERRORS as error:
        raise DatabaseUnusable(database.explain(error)) from error
    found["oldest_ready_step_seconds"] = None if seconds is None else round(seconds, 3)


def _log(reason: str) -> None:
    """Log why this process is not ready, once for each reason."""
    global _logged
    if reason and reason != _logged:
        logger.warning("Not ready: %s", reason)
    _logged = reason
