"""A page's socket, in the process of the test."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager

from channels.testing import WebsocketCommunicator

from jobs.sight.job import read_job
from project.asgi import application

SECONDS = 5


class Socket(WebsocketCommunicator):
    """A page's socket: frames in, frames out."""

    numbers: list[int]

    async def next(self, *kinds):
        """The next frame of one of these kinds; the numbers of skipped frames are kept, too."""
        while True:
            frame = json.loads(await self.receive_from(SECONDS))
            self.numbers.append(frame["n"])
            if frame["type"] in kinds:
                return frame

    async def closed(self):
        """The code with which the server closes, after any other frames."""
        while True:
            event = await self.receive_output(SECONDS)
            if event["type"] == "websocket.close":
                return event["code"]

    async def say(self, **frame):
        await self.send_to(text_data=json.dumps(frame))

    async def heard(self):
        """The kinds of frames that arrive during two resyncs; after them nothing is due."""
        kinds = set()
        for _ in range(2):
            await self.say(type="resync", seq=0, tag="")
            kind = ""
            while kind != "changes":
                kind = (await self.next("changes", "log", "pulse", "tick"))["type"]
                kinds.add(kind)
        return kinds

    async def until(self, seq):
        """All changes up to *seq*, as one text."""
        html = ""
        while True:
            frame = await self.next("changes")
            html += frame["html"]
            if frame["seq"] >= seq:
                return html


@asynccontextmanager
async def socket(job, client=None, query="", origin="http://testserver", headers=()):
    """The socket of a job's page, or with None of the list; None when it was refused."""
    headers = [(b"host", b"testserver"), *headers]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    if client:
        headers.append((b"cookie", client.cookies.output(header="", sep=";").strip().encode()))
    place = f"{getattr(job, 'pk', job)}/" if job else ""
    communicator = Socket(application, f"/ws/jobs/{place}{query}", headers)
    communicator.numbers = []
    accepted, _ = await communicator.connect(SECONDS)
    try:
        yield communicator if accepted else None
    finally:
        await communicator.disconnect()


def position_of(job):
    """The position of a page that was rendered now."""
    seq, tag = read_job(job.pk).position
    return f"?seq={seq}&tag={tag}"
