"""The page that Prometheus reads."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from .. import conf, database

NOT_INSTALLED = "prometheus_client is not installed. Run: pip install 'truestep[metrics]'\n"


@database.non_atomic
@login_not_required
@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """All metrics, for who sends the token: ``Authorization: Bearer …``.

    404 without a token in the settings, 401 without the right one in the request, and 501 when
    prometheus_client is not installed.
    """
    token = conf.knobs().metrics_token
    if not token:
        return _plain("Not found\n", 404)
    scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not constant_time_compare(sent.strip(), token):
        refused = _plain("Send the token: Authorization: Bearer …\n", 401)
        refused.headers["WWW-Authenticate"] = 'Bearer realm="metrics"'
        return refused
    try:
        from ..metrics import exposition  # loads what is needed here alone
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "prometheus_client":
            raise
        return _plain(NOT_INSTALLED, 501)
    content, content_type = exposition(request.headers.get("Accept", ""))
    return HttpResponse(content, content_type=content_type)


def _plain(text: str, status: int) -> HttpResponse:
    return HttpResponse(text, content_type="text/plain; charset=utf-8", status=status)
