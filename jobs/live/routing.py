"""WebSocket paths."""

from __future__ import annotations

from django.urls import path

from .consumers import JobConsumer, ListConsumer

websocket_urlpatterns = [
    path("ws/jobs/", ListConsumer.as_asgi()),
    path("ws/jobs/<int:job_id>/", JobConsumer.as_asgi()),
]
