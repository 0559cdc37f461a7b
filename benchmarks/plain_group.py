"""The baseline of ``benchmarks.viewers``: each socket is a member of one Channels group.

A text frame "COUNT RATE" sends COUNT small messages to the group, RATE a second.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from django.conf import settings

LAYER = {
    "BACKEND": "channels.layers.InMemoryChannelLayer",
    # By default it drops what is behind by a hundred messages or a minute.
    "CONFIG": {"capacity": 1_000_000, "expiry": 3600},
}
GROUP = "viewers"

settings.CHANNEL_LAYERS = {"default": LAYER}


class Member(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no type hints
    """One socket, as the tutorial of Channels writes it."""

    groups = (GROUP,)

    async def receive(self, text_data: str = "", bytes_data: bytes = b"") -> None:
        count, rate = text_data.split()
        self._publishing = asyncio.create_task(publish(int(count), float(rate)))

    async def moved(self, event: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(event["content"]))


async def publish(count: int, rate: float) -> None:
    began = time.perf_counter()
    for number in range(1, count + 1):
        content = {"type": "changes", "seq": number, "status": "running", "at": time.time() * 1000}
        await get_channel_layer().group_send(GROUP, {"type": "moved", "content": content})
        await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))


application = Member.as_asgi()
