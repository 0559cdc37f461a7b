"""Pokes: "look at job N", sent to all web processes after a commit.

A poke is a hint. It carries ids, never content, and may be lost, doubled or late.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import threading
from concurrent.futures import Future
from typing import Any

from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.db import transaction

from . import database
from .tallies import Tally

logger = logging.getLogger("truestep.news")

ALL_JOBS = "jobs"
ACCESS = "access"
SEND_SECONDS = 2.0  # a broker that does not answer delays later pokes by no more
PROBE_SECONDS = 1.0  # within which a message has to come back
AGAIN_SECONDS = 0.1  # the first one may be faster than the subscription to its channel


FAILED = Tally()  # calls of the channel layer that did not send their pokes


def group_of(job_id: int) -> str:
    """The Channels group that is poked when this job changes."""
    return f"job.{job_id}"


def announce(job_id: int, seq: int = 0) -> None:
    """Poke the viewers of this job after the commit of the current transaction.

    Without a *seq*, only volatile values have changed, which no list shows.
    """
    # Not a partial: Django logs a robust callback that fails by its name, and a partial has none.
    database.on_commit(lambda: poke(job_id, seq))


def poke(job_id: int, seq: int = 0) -> None:
    """Poke the groups ``job.N`` and ``jobs``; returns without waiting, never raises."""
    if _is_heard():
        _publisher.send(job_id, seq)


def _is_heard() -> bool:
    """Whether there may be a receiver: a layer in memory reaches none outside this process."""
    layer = get_channel_layer()
    return bool(layer.groups) if isinstance(layer, InMemoryChannelLayer) else layer is not None


def preload() -> None:
    """Import what pokes need; otherwise the first one of this process is 0.1 s late."""
    get_channel_layer()


def probe() -> str:
    """Whether the channel layer works: "none", "in memory", "reachable" or "unreachable".

    It sends a message to this process and waits for it. Not to be called on an event loop.
    """
    layer = get_channel_layer()
    if layer is None:
        return "none"
    if isinstance(layer, InMemoryChannelLayer):
        return "in memory"
    return "reachable" if _publisher.probe() else "unreachable"


def announce_access(using: str) -> None:
    """Poke all web processes to check again who may watch.

    It is sent after the commit of the current transaction on the database *using*.
    """
    transaction.on_commit(lambda: _publisher.send_access(), using=using, robust=True)


def adopt_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Send on *loop* from now on: the in-memory layer wakes only receivers on the same loop."""
    _publisher.home = loop


class FailureLog:
    """Logs once that something fails, and once that it works again."""

    def __init__(self, message: str, consolation: str) -> None:
        self._message = message
        self._consolation = consolation
        self._is_failing = False

    def failed(self, error: Exception) -> None:
        if not self._is_failing:
            reason = str(error) or type(error).__name__
            logger.warning("%s: %s. %s.", self._message, reason, self._consolation)
        self._is_failing = True

    def succeeded(self) -> None:
        if self._is_failing:
            logger.warning("%s: that is over.", self._message)
        self._is_failing = False


class _Publisher:
    """Sends pokes of all threads from one event loop; of many for one job only the newest.

    ``async_to_sync`` would make a loop and a connection for each call, and the in-memory layer
    would not wake a receiver on another loop.
    """

    def __init__(self) -> None:
        self.home: asyncio.AbstractEventLoop | None = None
        self._own: asyncio.AbstractEventLoop | None = None
        self._due_on: asyncio.AbstractEventLoop | None = None  # the loop that will send
        self._lock = threading.Lock()
        self._waiting: dict[int, int] = {}
        self._failures = FailureLog("Pokes cannot be sent", "Open pages catch up by their tick")
        self._probing: Future[None] | None = None
        self._probed: tuple[asyncio.AbstractEventLoop, str] | None = None  # a channel of that loop

    def send(self, job_id: int, seq: int) -> None:
        with self._lock:
            is_due = bool(self._waiting) and self._due_on is not None and self._due_on.is_running()
            self._waiting[job_id] = max(seq, self._waiting.get(job_id, 0))
            if is_due:
                return
            loop = self._due_on = self._loop()
        asyncio.run_coroutine_threadsafe(self._publish(), loop)

    def _loop(self) -> asyncio.AbstractEventLoop:
        if self.home and self.home.is_running():
            return self.home
        if self._own is None:
            self._own = asyncio.new_event_loop()
            threading.Thread(
                target=self._own.run_forever, name="truestep-pokes", daemon=True
            ).start()
        return self._own

    def send_access(self) -> None:
        asyncio.run_coroutine_threadsafe(self._send((ACCESS, {"type": "access"})), self._loop())

    def probe(self) -> bool:
        """Whether a message comes back. Several callers at a time share one."""
        with self._lock:
            if self._probing is None or self._probing.done():
                self._probing = asyncio.run_coroutine_threadsafe(self._round_trip(), self._loop())
            probing = self._probing
        try:
            probing.result(2 * PROBE_SECONDS)  # the layer may take its time to be cancelled
        except Exception:
            return False
        return True

    async def _round_trip(self) -> None:
        layer, loop = get_channel_layer(), asyncio.get_running_loop()
        sent = secrets.token_hex(8)
        async with asyncio.timeout(PROBE_SECONDS):
            if self._probed is None or self._probed[0] is not loop:
                self._probed = loop, await layer.new_channel()
            _, channel = self._probed  # kept: no layer can delete one
            receiving = asyncio.create_task(_receive(layer, channel, sent))
            try:
                while not receiving.done():
                    await layer.send(channel, {"type": "probe", "sent": sent})
                    await asyncio.wait([receiving], timeout=AGAIN_SECONDS)
                receiving.result()
            finally:
                receiving.cancel()

    async def _publish(self) -> None:
        with self._lock:
            pokes, self._waiting = self._waiting, {}
        await self._send(
            *(
                (group, {"type": "poke", "job": job_id, "seq": seq})
                for job_id, seq in pokes.items()
                for group in ((group_of(job_id), ALL_JOBS) if seq else (group_of(job_id),))
            )
        )

    async def _send(self, *messages: tuple[str, dict[str, Any]]) -> None:
        layer = get_channel_layer()
        if layer is None:
            return
        try:
            for group, message in messages:
                async with asyncio.timeout(SEND_SECONDS):
                    await layer.group_send(group, message)
        except Exception as error:
            FAILED.add()
            self._failures.failed(error)
        else:
            self._failures.succeeded()


async def _receive(layer: Any, channel: str, sent: str) -> None:
    """Wait until it was received. Older probes may have left messages in the channel."""
    while (await layer.receive(channel))["sent"] != sent:
        pass


def _new_publisher() -> None:
    global _publisher
    _publisher = _Publisher()


_publisher: _Publisher
_new_publisher()
os.register_at_fork(after_in_child=_new_publisher)  # a child has none of its parent's threads
