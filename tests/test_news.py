"""Pokes: what leaves after a commit."""

import asyncio
import threading

import pytest
from channels.layers import InMemoryChannelLayer

from jobs import news
from jobs.orchestrator import cancel, launch
from tests.support import job_of, wait_for


@pytest.fixture
def layer(monkeypatch):
    """A channel layer that keeps what it is given."""

    class Layer:
        def __init__(self):
            self.sent = []

        async def group_send(self, group, message):
            self.sent.append((group, message["job"], message["seq"]))

    layer = Layer()
    monkeypatch.setattr(news, "get_channel_layer", lambda: layer)
    return layer


def test_a_commit_pokes_the_job_and_the_list(database, layer):
    job = launch("noop")
    cancel(job.pk)
    seq = job_of(job.pk).seq
    wait_for(lambda: ("jobs", job.pk, seq) in layer.sent)
    assert (f"job.{job.pk}", job.pk, seq) in layer.sent


def test_of_many_pokes_for_one_job_the_newest_is_sent(layer, monkeypatch):
    """They gather while the loop is busy."""
    publisher = news._Publisher()
    busy, free = threading.Event(), threading.Event()

    def hold_up():
        busy.set()
        free.wait(10)

    publisher._loop().call_soon_threadsafe(hold_up)
    assert busy.wait(10)
    for seq in (3, 9, 5):
        publisher.send(7, seq)
    free.set()
    wait_for(lambda: len(layer.sent) == 2)
    assert layer.sent == [("job.7", 7, 9), ("jobs", 7, 9)]


def test_a_layer_in_memory_without_receivers_costs_no_thread(database, monkeypatch):
    """As in a worker: it has receivers in the web server's process alone."""
    layer = InMemoryChannelLayer()
    publisher = news._Publisher()
    monkeypatch.setattr(news, "get_channel_layer", lambda: layer)
    monkeypatch.setattr(news, "_publisher", publisher)
    job = launch("noop")
    assert publisher._own is None
    layer.groups["jobs"] = {"somebody": 0.0}
    cancel(job.pk)
    assert publisher._own is not None


def test_without_a_layer_nothing_is_sent_and_nothing_breaks(database, monkeypatch):
    monkeypatch.setattr(news, "get_channel_layer", lambda: None)
    assert cancel(launch("noop").pk)


async def test_pokes_leave_from_the_loop_that_listens(layer):
    """The in-memory layer wakes only readers of its own loop."""
    publisher = news._Publisher()
    publisher.home = asyncio.get_running_loop()
    await asyncio.to_thread(publisher.send, 7, 1)
    while len(layer.sent) < 2:
        await asyncio.sleep(0)
    assert publisher._own is None


def test_a_loop_that_stopped_before_it_published_does_not_silence_later_pokes():
    """What a stopped loop still owed goes out with the next poke, on another one."""
    publisher = news._Publisher()
    stopped = asyncio.new_event_loop()
    publisher._waiting, publisher._due_on = {1: 1}, stopped
    stopped.close()
    try:
        publisher.send(2, 1)
        wait_for(lambda: not publisher._waiting)
    finally:
        publisher._own.call_soon_threadsafe(publisher._own.stop)
        wait_for(lambda: not publisher._own.is_running())
        publisher._own.close()
