"""WebSocket paths, below any prefix that the project or a proxy adds."""

from __future__ import annotations

from django.urls import re_path

from .consumers import JobConsumer, ListConsumer
from .origin import SameOrigin

websocket_urlpatterns = [
    re_path(r"^(?:.*/)?ws/jobs/$", SameOrigin(ListConsumer.serve)),
    re_path(r"^(?:.*/)?ws/jobs/(?P<job_id>[0-9]{1,18})/$", SameOrigin(JobConsumer.serve)),
]
