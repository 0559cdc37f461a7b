"""Only pages of the same site may open a socket."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from channels.security.websocket import WebsocketDenier
from django.conf import settings

_PORTS = {"http": 80, "https": 443}


class SameOrigin:
    """Refuses a handshake (HTTP 403) whose Origin is missing, null, or another host or port."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._denier = WebsocketDenier()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        headers = {name: value.decode("latin1") for name, value in scope["headers"]}
        host = headers.get(b"host", "")
        if settings.USE_X_FORWARDED_HOST:  # as Django's own request.get_host()
            host = headers.get(b"x-forwarded-host", host)
        if is_own(headers.get(b"origin", ""), host):
            return await self._application(scope, receive, send)
        return await self._denier(scope, receive, send)


def is_own(origin: str, host: str) -> bool:
    """True when *origin* is the site that *host* names, or one that the settings trust."""
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    try:
        asked, own = urlsplit(origin), urlsplit(f"//{host}")
        default = _PORTS[asked.scheme]
        return bool(asked.hostname) and (asked.hostname, asked.port or default) == (
            own.hostname,
            own.port or default,
        )
    except (KeyError, ValueError):
        return False
