"""Receives pokes: keeps this process in the Channels groups that its feeds need."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from channels.layers import InMemoryChannelLayer, get_channel_layer

from ..news import ACCESS, ALL_JOBS, FailureLog, group_of

RETRY_SECONDS = 1.0


class PokeListener:
    """The process's one member of the Channels groups.

    No caller waits for the channel layer, which may be unreachable: groups are joined and left as
    soon as that is possible.
    """

    def __init__(self, groups: Callable[[], set[str]], wake: Callable[[str], None]) -> None:
        """*groups* returns those to be in; *wake* is called with each group that is poked."""
        self._wanted = groups
        self._wake = wake
        self._layer: Any = get_channel_layer()
        self._channel = ""
        self._joined: set[str] = set()
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._failures = FailureLog("Pokes cannot be received", "Open pages catch up by their tick")

    @property
    def hears_other_processes(self) -> bool:
        """Whether the channel layer connects processes."""
        return self._layer is not None and not isinstance(self._layer, InMemoryChannelLayer)

    def refresh(self) -> None:
        """The groups to be in have changed."""
        if self._layer and not self._tasks:
            self._tasks = [asyncio.create_task(self._keep_joined())]
        self._changed.set()

    async def _keep_joined(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._join_and_leave()
                self._failures.succeeded()
            except Exception as error:
                self._failures.failed(error)
                await asyncio.sleep(RETRY_SECONDS)
                self._changed.set()

    async def _join_and_leave(self) -> None:
        if not self._channel:
            self._channel = await self._layer.new_channel()
            self._tasks.append(asyncio.create_task(self._receive()))
        for group in self._joined - self._wanted():
            self._joined.discard(group)
            await self._layer.group_discard(group, self._channel)
        for group in self._wanted() - self._joined:
            await self._layer.group_add(group, self._channel)
            self._joined.add(group)
            self._wake(group)  # it may have been poked before

    async def _receive(self) -> None:
        while True:
            try:
                message = await self._layer.receive(self._channel)
            except Exception as error:
                self._failures.failed(error)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if message["type"] == "access":
                self._wake(ACCESS)
                continue
            self._wake(group_of(message["job"]))
            if message["seq"]:
                self._wake(ALL_JOBS)
