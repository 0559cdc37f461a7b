"""Hears pokes: keeps this process in the Channels groups that its feeds want."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from channels.layers import InMemoryChannelLayer, get_channel_layer

from ..news import ACCESS, ALL_JOBS, Outage, group_of

RETRY_SECONDS = 1.0


class Ear:
    """The whole process's one member of the groups.

    Nobody waits for the channel layer, which may be away: what is wanted is made true as soon as
    that is possible.
    """

    def __init__(self, wanted: Callable[[], set[str]], wake: Callable[[str], None]) -> None:
        """*wanted* tells the groups; *wake* is called with one that has news."""
        self._wanted = wanted
        self._wake = wake
        self._layer: Any = get_channel_layer()
        self._channel = ""
        self._joined: set[str] = set()
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._outage = Outage("Pokes cannot be heard")

    @property
    def is_deaf(self) -> bool:
        """Whether the pokes of other processes never arrive."""
        return self._layer is None or isinstance(self._layer, InMemoryChannelLayer)

    def refresh(self) -> None:
        """Other groups are wanted than before."""
        if self._layer and not self._tasks:
            self._tasks = [asyncio.create_task(self._keep_joined())]
        self._changed.set()

    async def _keep_joined(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._join_and_leave()
                self._outage.ends()
            except Exception as error:
                self._outage.begins(error)
                await asyncio.sleep(RETRY_SECONDS)
                self._changed.set()

    async def _join_and_leave(self) -> None:
        if not self._channel:
            self._channel = await self._layer.new_channel()
            self._tasks.append(asyncio.create_task(self._listen()))
        for group in self._joined - self._wanted():
            self._joined.discard(group)
            await self._layer.group_discard(group, self._channel)
        for group in self._wanted() - self._joined:
            await self._layer.group_add(group, self._channel)
            self._joined.add(group)
            self._wake(group)  # for the pokes that came before

    async def _listen(self) -> None:
        while True:
            try:
                message = await self._layer.receive(self._channel)
            except Exception as error:
                self._outage.begins(error)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if message["type"] == "access":
                self._wake(ACCESS)
                continue
            self._wake(group_of(message["job"]))
            if message["seq"]:
                self._wake(ALL_JOBS)
