"""The project's ASGI application, with Truestep's sockets."""

from __future__ import annotations

from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import WebsocketDenier
from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.urls import re_path, set_script_prefix


def with_sockets(http: Any, sockets: Any = None) -> Any:
    """An ASGI application that passes requests to *http* and answers Truestep's sockets itself.

    *http* is what ``get_asgi_application()`` has returned. *sockets* is the project's own WebSocket
    application, if it has one: it gets every other socket. Without it they are refused (HTTP 403).
    With DEBUG, static files are served, too, as ``runserver`` does.
    """
    # They load models, which only get_asgi_application() makes possible.
    from .live.prefix import BelowPrefix
    from .live.routing import websocket_urlpatterns

    others = re_path("", sockets or WebsocketDenier.as_asgi())
    return BelowPrefix(
        ProtocolTypeRouter(
            {
                "http": _with_static_files(http),
                "websocket": URLRouter([*websocket_urlpatterns, others]),
            }
        )
    )


def _with_static_files(http: Any) -> Any:
    if not (settings.DEBUG and apps.is_installed("django.contrib.staticfiles")):
        return http
    set_script_prefix(settings.FORCE_SCRIPT_NAME or "/")  # a relative STATIC_URL is below it
    return ASGIStaticFilesHandler(http)
