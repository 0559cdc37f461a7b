"""WebSocket paths, below any prefix that the project or a proxy adds."""

from __future__ import annotations

from typing import Any

from channels.sessions import SessionMiddlewareStack
from django.urls import re_path

from .consumers import JobConsumer, ListConsumer
from .origin import SameOrigin


def _guarded(consumer: Any) -> Any:
    """Before a socket is accepted, its origin is checked and its session known."""
    return SameOrigin(SessionMiddlewareStack(consumer.as_asgi()))


websocket_urlpatterns = [
    re_path(r"^(?:.*/)?ws/jobs/$", _guarded(ListConsumer)),
    re_path(r"^(?:.*/)?ws/jobs/(?P<job_id>[0-9]{1,18})/$", _guarded(JobConsumer)),
]
