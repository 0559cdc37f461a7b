"""The socket of the list: a window's mark says whether the page still shows what there is."""

from itertools import count

import pytest
from asgiref.sync import sync_to_async

from jobs import workers
from jobs.live import feeds
from jobs.live.list_feed import ListFeed
from jobs.logs import LogBook
from jobs.orchestrator import claim, finish, launch
from jobs.sight.job_list import (
    MOST_IDS,
    PAGE_SIZE,
    IdWindow,
    ListWindow,
    counts,
    has_jobs_without_worker,
)
from tests.support import drive, returned
from tests.support.sockets import socket


def position(window=ListWindow()):  # noqa: B008  (it is frozen)
    return f"seq=0&tag={window.read().mark}"


@pytest.mark.parametrize(
    ("window", "found"),
    [
        (ListWindow(), ["waits", "noop"]),
        (ListWindow(status="succeeded"), ["noop"]),
        (ListWindow(definition="waits"), ["waits"]),
        (ListWindow(status="succeeded", definition="waits"), []),
        (ListWindow(status="running"), []),
        (ListWindow(status="nonsense"), []),
    ],
)
def test_a_window_holds_what_its_filter_selects_newest_first(desk, window, found):
    drive(desk, launch("noop"))
    launch("waits", {"gate": "/"})
    assert [job.definition for job in window.jobs()] == found


def test_a_window_goes_on_where_another_one_ends(database):
    ids = [launch("noop").pk for _ in range(PAGE_SIZE + 2)]
    shown = [job.pk for job in ListWindow().jobs()]
    assert shown == ids[:0:-1]  # one more than a page, so that it is known whether there is more
    older = ListWindow(before=shown[PAGE_SIZE - 1])
    assert [job.pk for job in older.jobs()] == ids[1::-1]


def test_a_mark_changes_with_every_move_of_a_job_in_the_window(desk):
    job = launch("noop")
    marks = [ListWindow().read().mark, ListWindow().read().mark]
    drive(desk, job)
    marks += [ListWindow().read().mark]
    assert marks[0] == marks[1] != marks[2]


def test_a_rows_version_is_its_seq_and_a_whole_jobs_also_its_log(desk):
    job, other = launch("noop"), launch("noop")
    rows, whole = IdWindow((job.pk,)), IdWindow((job.pk,), whole=True)
    [held] = claim(desk, room=1)
    before = rows.read().mark, whole.read().mark
    book = LogBook(held, 1000)
    book.add("a line")
    book.write()
    assert rows.read().mark == before[0]
    assert whole.read().mark != before[1]
    assert IdWindow((other.pk,)).read().mark != rows.read().mark
    finish(desk, held, returned(), room=0)
    assert rows.read().mark != before[0]


@pytest.mark.parametrize("whole", [True, False])
async def test_a_page_of_the_admin_gets_the_statuses_of_its_cells(ada, desk, whole):
    job = await sync_to_async(launch)("noop")
    window = IdWindow((job.pk,), whole=whole)
    before = (await sync_to_async(window.read)()).mark
    async with socket(None, ada, f"?{window.query()}&seq=0&tag={before}") as page:
        await page.next("tick")
        [held] = await sync_to_async(claim)(desk, 1)
        stale = await page.next("stale")
        await sync_to_async(finish)(desk, held, returned(), 0)
        if whole:  # the job goes on running, and the page has not been fetched anew
            again = await page.next("stale")
    steps = await sync_to_async(lambda: list(job.steps.order_by("position")))()
    running = {f"job-{job.pk}": ["running", 3]}
    if whole:
        running |= {f"step-{step.pk}": ["pending", 1] for step in steps}
        running[f"step-{steps[0].pk}"] = ["running", 2]
        assert again["cells"][f"step-{steps[0].pk}"] == ["succeeded", 4]
    assert (stale["urgent"], stale["cells"]) == (False, running)


async def test_a_page_of_the_list_gets_the_statuses_of_its_rows(ada, desk):
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
    """Else its page would go on saying that it is live, also when its fetches fail."""
    marks = (f"{number:08}{number:08}" for number in count())
    monkeypatch.setattr(ListWindow, "read", lambda window: (next(marks), {}))
    monkeypatch.setattr(feeds, "TICK_SECONDS", 0.05)
    async with socket(None, ada, "?seq=0&tag=") as page:
        for _ in range(3):
            await page.next("tick")


@pytest.mark.parametrize(("only", "said"), [(None, False), ("the first", True), ("both", False)])
def test_a_worker_for_one_job_does_not_count_for_others(database, only, said):
    first, second = launch("noop"), launch("noop")
    alone = {None: [None], "the first": [first.pk], "both": [first.pk, second.pk]}[only]
    posts = [workers.register(slots=1, knows={}, only_job=job) for job in alone]
    try:
        assert has_jobs_without_worker(counts()) == said
    finally:
        for post in posts:
            post.release()


async def test_an_up_to_date_list_page_gets_a_tick(ada, database):
    query = await sync_to_async(position)()
    async with socket(None, ada, f"?{query}") as page:
        tick = await page.next("tick", "stale")
        assert (tick["type"], tick["seq"]) == ("tick", 0)
        assert f"seq=0&tag={tick['tag']}" == query


async def test_an_outdated_list_page_gets_stale_and_then_a_tick(ada, database, monkeypatch):
    monkeypatch.setattr(feeds, "TICK_SECONDS", 3600.0)  # it does not wait for the next one
    query = await sync_to_async(position)()
    async with socket(None, ada, f"?{query}") as page:
        await page.next("tick")
        await sync_to_async(launch)("noop")
        await page.next("stale")
        fresh = (await sync_to_async(ListWindow().read)()).mark
        await page.say(type="resync", seq=0, tag=fresh)
        assert (await page.next("tick", "stale"))["tag"] == fresh


async def test_a_commit_between_render_and_subscribe_makes_the_list_stale(ada, database):
    query = await sync_to_async(position)()
    await sync_to_async(launch)("noop")
    async with socket(None, ada, f"?{query}") as page:
        await page.next("stale")


def test_the_counts_of_all_jobs_are_part_of_what_a_page_shows(desk):
    job = launch("noop")
    empty = ListWindow(before=job.pk)
    mark = empty.read().mark
    drive(desk, job)
    assert list(empty.jobs()) == []
    assert empty.read().mark != mark


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
        "?seq=x",
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
