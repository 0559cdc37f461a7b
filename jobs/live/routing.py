"""WebSocket paths: below whatever prefix the project includes the app's URLs, or a proxy adds."""

from __future__ import annotations

from django.urls import re_path

from .consumers import JobConsumer, ListConsumer

websocket_urlpatterns = [
    re_path(r"^(?:.*/)?ws/jobs/$", ListConsumer.as_asgi()),
    re_path(r"^(?:.*/)?ws/jobs/(?P<job_id>[0-9]{1,18})/$", JobConsumer.as_asgi()),
]
