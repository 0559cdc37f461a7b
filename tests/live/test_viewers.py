"""What one viewer may leave unread is bounded by frames, by bytes and by time."""

from __future__ import annotations

import asyncio
import json

from jobs.live import viewers
from jobs.live.viewers import MOST_UNACKNOWLEDGED_BYTES, Frame, Viewer
from jobs.sight.positions import Position


def with_viewer(check) -> None:
    async def nothing(_) -> None: ...

    async def run() -> None:
        viewer = Viewer(nothing, nothing, Position(0, ""), sees_logs=True)
        check(viewer)
        viewer.leave()

    asyncio.run(run())


def test_large_frames_close_the_window_until_they_are_acknowledged():
    def check(viewer: Viewer) -> None:
        for _ in range(2):
            viewer.put(Frame("log", html="x" * (MOST_UNACKNOWLEDGED_BYTES // 2)))
        assert not viewer.has_room
        viewer.acknowledge(1)
        assert viewer.has_room

    with_viewer(check)


def test_queued_log_frames_are_withheld_with_the_permission():
    received = []

    async def run() -> None:
        async def send(text) -> None:
            received.append(json.loads(text)["type"])

        viewer = Viewer(send, send, Position(0, ""), sees_logs=True)
        viewer.put(Frame("log", html="secret"))
        viewer.put(Frame("tick"))
        viewer.withhold_logs()
        async with asyncio.timeout(5):
            while "tick" not in received:
                await asyncio.sleep(0)
        viewer.leave()

    asyncio.run(run())
    assert received == ["tick"]


def test_one_frame_is_made_json_once_for_all_its_viewers(monkeypatch):
    made, received = [], []
    dumps = json.dumps
    monkeypatch.setattr(viewers.json, "dumps", lambda value: made.append(value) or dumps(value))

    async def run() -> None:
        async def send(text) -> None:
            received.append(json.loads(text))

        all_viewers = [Viewer(send, send, Position(0, ""), sees_logs=True) for _ in range(100)]
        all_viewers[0].put(Frame("tick"))
        frame = Frame("changes", html='<p title="é">', seq=7)
        for viewer in all_viewers:
            viewer.put(frame)
        async with asyncio.timeout(5):
            while len(received) <= 100:
                await asyncio.sleep(0)
        for viewer in all_viewers:
            viewer.leave()

    asyncio.run(run())
    content = {"type": "changes", "html": '<p title="é">', "seq": 7}
    assert received.count(content | {"n": 1}) == 99
    assert received.count(content | {"n": 2}) == 1
    assert len(made) == 2


def test_a_socket_that_takes_nothing_holds_up_no_other():
    """Uvicorn waits for a client that does not read."""
    received = []

    async def run() -> None:
        async def never(text) -> None:
            await asyncio.Event().wait()

        async def send(text) -> None:
            received.append(json.loads(text)["n"])

        pair = [Viewer(each, each, Position(0, ""), sees_logs=True) for each in (never, send)]
        async with asyncio.timeout(5):
            for _ in range(3):
                for viewer in pair:
                    viewer.put(Frame("tick"))
            while len(received) < 3:
                await asyncio.sleep(0)
        for viewer in pair:
            viewer.leave()

    asyncio.run(run())
    assert received == [1, 2, 3]


def test_only_an_acknowledgement_that_gets_on_ends_the_silence(monkeypatch):
    now = 0.0
    monkeypatch.setattr(viewers.time, "monotonic", lambda: now)

    def check(viewer: Viewer) -> None:
        nonlocal now
        now = 100.0
        viewer.put(Frame("tick"))
        assert not viewer.is_lost, "nothing was sent to it for long: that is not its silence"
        now = 131.0
        viewer.acknowledge(0)
        assert viewer.is_lost
        viewer.acknowledge(1)
        assert not viewer.is_lost

    with_viewer(check)
