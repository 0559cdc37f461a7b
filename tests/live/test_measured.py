"""What a web process counts of its sockets and feeds."""

from __future__ import annotations

import asyncio

from asgiref.sync import sync_to_async

from jobs.live import feeds
from jobs.live.hub import open_sockets
from jobs.orchestrator import cancel, launch
from tests.support.sockets import position_of, socket


async def until(wanted):
    async with asyncio.timeout(5):
        while open_sockets() != wanted:
            await asyncio.sleep(0)


async def test_open_pages_are_counted_by_what_they_watch(ada):
    job = await sync_to_async(launch)("noop")
    assert open_sockets() == {"job": 0, "list": 0}
    async with socket(job, ada) as first, socket(job, ada) as second, socket(None, ada) as listed:
        for page in (first, second, listed):
            await page.next("tick")
        assert open_sockets() == {"job": 2, "list": 1}
    await until({"job": 0, "list": 0})


async def test_the_time_from_a_poke_until_its_frames_are_queued_is_measured(ada):
    job = await sync_to_async(launch)("noop")
    query = await sync_to_async(position_of)(job)
    async with socket(job, ada, query) as page:
        await page.next("tick")
        counts, total = feeds.LAG.read()
        await sync_to_async(cancel)(job.pk)
        await page.next("changes")
        later, longer = feeds.LAG.read()
    assert later[-1] > counts[-1]
    assert 0 < longer - total < 5
