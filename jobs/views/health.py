"""For load balancers and the page's script: whether the web process answers."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from .. import database


@database.non_atomic
@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Return 200. It needs neither a login nor the database."""
    return HttpResponse("ok", content_type="text/plain")
