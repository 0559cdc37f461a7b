"""What is shown when a request fails: for ``CSRF_FAILURE_VIEW`` and ``handler500``."""

from __future__ import annotations

import sys

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template import loader
from django.views import csrf, defaults

from .. import database
from ..database import Outage
from ..exceptions import DatabaseBusy
from ..responses import SERVICE_UNAVAILABLE, ask_again, with_retry_after
from .actions import FORBIDDEN, cancel, retry
from .launching import launch

CSRF_REFUSED = (
    "Nothing was done: this form is from an earlier login, or cookies are blocked. Send it again. "
    "If that does not help, the server does not recognize the address in your browser: its "
    "administrator can set SECURE_PROXY_SSL_HEADER, behind a proxy, or CSRF_TRUSTED_ORIGINS."
)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """For ``CSRF_FAILURE_VIEW``: show a form of Truestep again, with its values and new tokens.

    Only a page of this site gets its form back: one that has sent an outdated token. The project's
    own pages, and requests from other sites, are refused as Django does it.
    """
    match = request.resolver_match
    if match is None or match.app_name not in ("truestep", "admin"):
        return csrf.csrf_failure(request, reason)
    if reason.startswith(("Origin", "Referer")):
        return csrf.csrf_failure(request, reason, "truestep/403_csrf.html")
    for view in (launch, cancel, retry):
        if match.func is view:
            return view(request, **match.kwargs, refused=CSRF_REFUSED)
    if match.view_name == "admin:truestep_job_changelist" and request.user.is_authenticated:
        title = f"{request.POST.get('action', '')} selected jobs".capitalize()
        return ask_again(request, title, CSRF_REFUSED, status=FORBIDDEN)
    return csrf.csrf_failure(request, reason)


def server_error(request: HttpRequest) -> HttpResponse:
    """For ``handler500``: 503 during an outage of the database, otherwise the project's 500.html.

    It reads nothing from the database, not even the user.
    """
    error = sys.exc_info()[1]
    outage = Outage.OTHER
    if isinstance(error, database.DATABASE_ERRORS):
        outage = database.outage_of(error)
    if outage is Outage.OTHER:
        return defaults.server_error(request)
    holder = error.holder if isinstance(error, DatabaseBusy) else ""
    context = {"what": outage.what, "outage": outage.name.lower(), "holder": holder}
    page = loader.render_to_string("truestep/503.html", context)
    return with_retry_after(HttpResponse(page, status=SERVICE_UNAVAILABLE))
