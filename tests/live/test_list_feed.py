"""The socket of a page that shows a window: it gets stale frames."""

from itertools import count

import pytest
from asgiref.sync import sync_to_async

from jobs.live import feeds
from jobs.live.list_feed import ListFeed
from jobs.orchestrator import claim, finish, launch
from jobs.sight.job_list import (
    MOST_IDS,
    IdWindow,
    ListWindow,
)
from tests.support import returned
from tests.support.sockets import socket


def position(window=ListWindow()):  # noqa: B008  (it is frozen)
    return f"mark={window.read().mark}"


@pytest.mark.parametrize("whole", [True, False])
async def test_a_page_of_the_admin_gets_the_statuses_of_its_cells(ada, claimant, whole):
    job = await sync_to_async(launch)("noop")
    window = IdWindow((job.pk,), whole=whole)
    before = (await sync_to_async(window.read)()).mark
    async with socket(None, ada, f"?{window.query()}&mark={before}") as page:
        await page.next("tick")
        [held] = await sync_to_async(claim)(claimant, 1)
        stale = await page.next("stale")
        await sync_to_async(finish)(claimant, held, returned(), 0)
        if whole:  # the job keeps running, and the page has not been refetched
            again = await page.next("stale")
    steps = await sync_to_async(lambda: list(job.steps.order_by("position")))()
    running = {f"job-{job.pk}": ["running", 3]}
    if whole:
        running |= {f"step-{step.pk}": ["pending", 1] for step in steps}
        running[f"step-{steps[0].pk}"] = ["running", 2]
        assert again["cells"][f"step-{steps[0].pk}"] == ["succeeded", 4]
    assert (stale["urgent"], stale["cells"]) == (False, running)


async def test_a_page_of_the_list_gets_the_statuses_of_its_rows(ada, claimant):
    """It is fetched at once all the same: the counts have changed, and there may be other rows."""
    old = await sync_to_async(launch)("noop")
    query = await sync_to_async(position)()
    async with socket(None, ada, f"?{query}") as page:
        await page.next("tick")
        new = await sync_to_async(launch)("noop")
        stale = await page.next("stale")
    rows = {f"job-{pk}": ["pending", 1] for pk in (old.pk, new.pk)}
    assert (stale["urgent"], stale["cells"]) == (True, rows)


async def test_a_list_that_changes_at_every_read_is_stale_at_each_tick(ada, database, monkeypatch):
    """Otherwise its page would still say that it is live, also when its fetches fail."""
    marks = (f"{number:08}{number:08}" for number in count())
    monkeypatch.setattr(ListWindow, "read", lambda window: (next(marks), {}))
    monkeypatch.setattr(feeds, "TICK_SECONDS", 0.05)
    async with socket(None, ada, "?mark=") as page:
        for _ in range(3):
            await page.next("tick")


async def test_an_up_to_date_list_page_gets_a_tick(ada, database):
    query = await sync_to_async(position)()
    async with socket(None, ada, f"?{query}") as page:
        tick = await page.next("tick", "stale")
        assert tick["type"] == "tick"
        assert f"mark={tick['mark']}" == query


async def test_an_outdated_list_page_gets_stale_and_then_a_tick(ada, database, monkeypatch):
    monkeypatch.setattr(feeds, "TICK_SECONDS", 3600.0)  # it does not wait for the next one
    query = await sync_to_async(position)()
    async with socket(None, ada, f"?{query}") as page:
        await page.next("tick")
        await sync_to_async(launch)("noop")
        await page.next("stale")
        fresh = (await sync_to_async(ListWindow().read)()).mark
        await page.say(type="resync", mark=fresh)
        assert (await page.next("tick", "stale"))["mark"] == fresh


async def test_a_commit_between_render_and_subscribe_makes_the_list_stale(ada, database):
    query = await sync_to_async(position)()
    await sync_to_async(launch)("noop")
    async with socket(None, ada, f"?{query}") as page:
        await page.next("stale")


async def test_equal_windows_share_one_reader(ada, database, monkeypatch):
    made = []
    begin = ListFeed.__init__
    monkeypatch.setattr(
        ListFeed, "__init__", lambda self, *args: (made.append(1), begin(self, *args))[0]
    )
    async with (
        socket(None, ada, "?status=failed") as one,
        socket(None, ada, "?status=failed") as two,
        socket(None, ada) as other,
    ):
        for page in (one, two, other):
            await page.next("stale")
    assert len(made) == 2


@pytest.mark.parametrize(
    "query",
    [
        "?before=x",
        "?from=x",
        "?before=-1",
        "?ids=",
        "?ids=1,x",
        f"?ids={','.join(['1'] * (MOST_IDS + 1))}",
    ],
)
async def test_a_window_that_means_nothing_is_a_bad_frame(ada, query):
    async with socket(None, ada, query) as page:
        assert await page.closed() == 4400


async def test_watching_the_list_needs_the_view_permission(login):
    stranger = await sync_to_async(login)()
    async with socket(None, stranger) as page:
        assert await page.closed() == 4403
    async with socket(None) as page:
        assert await page.closed() == 4401
