"""The socket of a job's page, spoken to frame by frame."""

import asyncio
import json
import re
from contextlib import AsyncExitStack
from functools import partial
from unittest.mock import Mock

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.utils.html import escape

from jobs import definitions, news, workers
from jobs.live import commits, consumers, feeds, job_feed, viewers
from jobs.live.hub import get_hub
from jobs.live.origin import is_own
from jobs.logs import LogBook
from jobs.models import Job, Transition
from jobs.orchestrator import cancel, claim, finish, launch
from jobs.statuses import Verdict
from tests.support import drive, ended, returned, wait_for
from tests.support.driving import write_log
from tests.support.sockets import position_of, socket

# --- who may --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "own"),
    [
        ("http://example.org", True),
        ("http://example.org:80", True),
        ("http://EXAMPLE.org", True),
        ("http://example.org:8000", False),
        ("https://example.org", True),  # a proxy speaks TLS; the port is the one of the scheme
        ("http://example.org.evil.test", False),
        ("http://evil.test", False),
        ("null", False),
        ("", False),
        ("example.org", False),
        ("ftp://example.org", False),
        ("http://[", False),
        ("http://example.org:port", False),
        ("https://trusted.test", True),
    ],
)
def test_only_the_sites_own_pages_are_its_origin(settings, origin, own):
    settings.CSRF_TRUSTED_ORIGINS = ["https://trusted.test"]
    assert is_own(origin, "example.org") == own


@pytest.mark.parametrize("forwarded", [False, True])
async def test_a_proxy_may_say_which_host_was_asked(ada, settings, forwarded):
    settings.USE_X_FORWARDED_HOST = forwarded
    job = await sync_to_async(launch)("noop")
    proxied = {
        "origin": "https://jobs.example",
        "headers": [(b"x-forwarded-host", b"jobs.example")],
    }
    async with socket(job, ada, **proxied) as page:
        assert (page is not None) is forwarded


@pytest.mark.parametrize("origin", [None, "null", "http://evil.test", "http://testserver:81"])
async def test_a_foreign_origin_is_refused_before_the_handshake(ada, origin):
    job = await sync_to_async(launch)("noop")
    async with socket(job, ada, origin=origin) as refused:
        assert refused is None


async def test_a_socket_without_a_login_is_closed(database):
    job = await sync_to_async(launch)("noop")
    async with socket(job) as page:
        assert await page.closed() == 4401


@pytest.mark.parametrize("permissions", [[], ["launch_job", "control_job", "view_log"]])
async def test_a_socket_without_the_view_permission_is_closed(login, permissions):
    client = await sync_to_async(login)(*permissions)
    async with socket(1, client) as page:  # nor do they learn whether there is such a job
        assert await page.closed() == 4403


async def test_no_such_job(ada):
    async with socket(999, ada) as page:
        assert await page.closed() == 4404


async def test_the_socket_of_a_deactivated_user_is_closed(ada, admin_user):
    job = await sync_to_async(launch)("noop")
    admin_user.is_active = False
    await admin_user.asave()
    async with socket(job, ada) as page:
        assert await page.closed() == 4401


@pytest.mark.parametrize("query", ["?seq=x", "?seq=-1", "?seq=1.5", f"?seq={2**63}"])
async def test_a_position_that_is_none(ada, query):
    job = await sync_to_async(launch)("noop")
    async with socket(job, ada, query) as page:
        assert await page.closed() == 4400


@pytest.mark.parametrize(
    "text",
    [
        " ",
        "not JSON",
        "[]",
        "7",
        '"ack"',
        "{}",
        '{"type": "dance"}',
        '{"type": ["ack"]}',
        '{"type": "ack"}',
        '{"type": "ack", "n": "1"}',
        '{"type": "ack", "n": true}',
        '{"type": "ack", "n": -1}',
        '{"type": "resync", "seq": 1, "tag": 7}',
        '{"type": "follow", "step": 1, "from": 1, "level": "loud"}',
        '{"type": "follow", "step": 1, "from": 1, "level": ["info"]}',
        '{"type": "follow", "step": 1, "newest": "1"}',
        '{"type": "follow", "step": 1, "from": 1, "most": -1}',
        '{"type": "follow", "step": 1, "from": 1, "folded": 7}',
        '{"type": "follow", "step": 1, "from": 1, "folded": ["7"]}',
        '{"type": "follow", "step": 1, "from": 1e3}',
        '{"type": "follow", "step": null, "from": 1}',
        '{"type": "unfollow"}',
        "[" * 4000,
        '{"type": "' + "x" * 5000 + '"}',
    ],
    ids=lambda text: text[:40],
)
async def test_a_bad_frame_closes(ada, text):
    job = await sync_to_async(launch)("noop")
    async with socket(job, ada) as page:
        await page.send_to(text_data=text)
        assert await page.closed() == 4400


async def test_a_binary_frame_closes(ada):
    job = await sync_to_async(launch)("noop")
    async with socket(job, ada) as page:
        await page.send_to(bytes_data=b'{"type": "ack", "n": 1}')
        assert await page.closed() == 4400


async def test_too_many_frames_close(ada):
    job = await sync_to_async(launch)("noop")
    async with socket(job, ada) as page:
        for _ in range(consumers.BURST + 20):
            await page.say(type="ack", n=0)
        assert await page.closed() == 4429


# --- what it says ---------------------------------------------------------------------------------


async def test_an_up_to_date_page_gets_a_tick_immediately(ada):
    job = await sync_to_async(launch)("noop")
    position = await sync_to_async(position_of)(job)
    async with socket(job, ada, position) as page:
        tick = await page.next("tick", "changes")
        assert (tick["type"], f"?seq={tick['seq']}&tag={tick['tag']}") == ("tick", position)
        assert re.fullmatch(r"[0-9a-f]{12}", tick["version"])


async def test_a_page_without_a_position_gets_the_fragments_of_the_first_paint(ada, claimant):
    """One partial for first paint and update."""
    job = await sync_to_async(launch)("fails")
    await sync_to_async(drive)(claimant, job)
    painted = (await sync_to_async(ada.get)(f"/jobs/{job.pk}/")).text
    async with socket(job, ada) as page:
        html = await page.until(1)
    flat = partial(re.sub, r"\s+", " ")
    for element in re.findall(r"<(?:li|header)\b.*?</(?:li|header)>", html, re.DOTALL):
        assert flat(element) in flat(painted)
    steps, entries = html.count('class="step"'), html.count('class="entry"')
    assert (steps, entries) == (4, (await Job.objects.aget()).seq)


async def test_a_commit_between_render_and_subscribe_is_shown(ada, claimant):
    job = await sync_to_async(launch)("noop")
    position = await sync_to_async(position_of)(job)
    await sync_to_async(claim)(claimant, 1)
    async with socket(job, ada, position) as page:
        changes = await page.next("changes", "tick")
    assert (changes["type"], changes["since"], changes["seq"]) == ("changes", 1, 3)
    html = " ".join(changes["html"].split())
    assert 'data-step="one" data-status="running" data-seq="2"' in html
    assert 'data-step="two"' not in changes["html"]  # only what is new


async def test_every_move_arrives_once_in_order(ada, claimant):
    job = await sync_to_async(launch)("noop")
    position = await sync_to_async(position_of)(job)
    async with socket(job, ada, position) as page:
        await page.next("tick")
        await sync_to_async(drive)(claimant, job)
        seq = (await Job.objects.aget()).seq
        html = await page.until(seq)
    entries = re.findall(rf'id="entry-{job.pk}-(\d+)"', html)
    assert entries == [str(number) for number in range(2, seq + 1)]
    assert page.numbers == list(range(1, len(page.numbers) + 1))


async def test_only_a_burst_is_gathered_and_a_tick_puts_nothing_off(monkeypatch):
    class Watched(feeds.Feed):
        gap = 3600.0
        group = "any"

        async def _update(self, viewers, is_tick):
            output.put_nowait("tick" if is_tick else "news")

    output = asyncio.Queue()
    monkeypatch.setattr(feeds, "TICK_SECONDS", 3600.0)
    watched = Watched(read=None)
    watched.viewers.add(Mock(has_room=True, is_lost=False))
    try:
        async with asyncio.timeout(5):
            assert await output.get() == "tick"
            watched.wake()
            assert await output.get() == "news"
        watched.wake()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await output.get()
    finally:
        watched.end()


@pytest.mark.parametrize(
    ("took", "least", "rests"),
    [(0.001, 0.01, 0.01), (0.03, 0.01, 0.03), (9.0, 0.01, 0.05), (0.2, 3600.0, 3600.0)],
)
def test_a_feed_rests_for_as_long_as_its_update_took(took, least, rests):
    assert feeds.rest_after(took, least) == rests


@pytest.mark.parametrize("way", ["poke", "commit", "tick"])
async def test_each_way_alone_brings_the_news(ada, monkeypatch, way):
    """Pokes, the watch for commits and the tick each suffice; two of them are taken away."""
    if way != "poke":
        monkeypatch.setattr(news, "poke", lambda *_: None)
    if way != "commit":
        monkeypatch.setattr(commits, "has_commit", lambda watch: False)
    monkeypatch.setattr(feeds, "TICK_SECONDS", 0.3 if way == "tick" else 60)
    job = await sync_to_async(launch)("noop")
    position = await sync_to_async(position_of)(job)
    async with socket(job, ada, position) as page:
        await page.next("tick")
        await sync_to_async(cancel)(job.pk)
        assert (await page.next("changes"))["since"] == 1


@pytest.mark.parametrize("position", ["?seq=1&tag=other", "?seq=99&tag=ahead", "?seq=1"])
async def test_a_position_of_another_history_is_stale(ada, position):
    """A restored database: the page has seen what never happened here."""
    job = await sync_to_async(launch)("noop")
    async with socket(job, ada, position) as page:
        assert (await page.next("stale", "changes"))["type"] == "stale"
        tick = await page.next("tick")
        await page.say(type="resync", seq=tick["seq"], tag=tick["tag"])
        await sync_to_async(cancel)(job.pk)
        assert (await page.next("changes"))["since"] == 1


async def test_a_viewer_that_must_refetch_needs_no_position(ada, monkeypatch):
    """Its position would only be stale again, until it has refetched."""
    monkeypatch.setattr(feeds, "TICK_SECONDS", 3600.0)
    job = await sync_to_async(launch)("noop")
    async with socket(job, ada, await sync_to_async(position_of)(job)) as page:
        await page.next("tick")
        for _ in range(2):
            await page.say(type="resync", seq=1, tag="other")
            assert (await page.next("stale", "tick"))["type"] == "stale"


async def test_a_resync_from_zero_sends_everything(ada):
    job = await sync_to_async(launch)("noop")
    async with socket(job, ada, await sync_to_async(position_of)(job)) as page:
        await page.next("tick")
        await page.say(type="resync", seq=0, tag="")
        assert (await page.next("changes"))["html"].count('class="step"') == 5


async def test_progress_arrives_as_absolute_values_without_an_entry(ada, claimant):
    job = await sync_to_async(launch)("noop")
    [held] = await sync_to_async(claim)(claimant, 1)
    async with socket(job, ada, await sync_to_async(position_of)(job)) as page:
        assert not (await page.next("pulse"))["workers"]["nobody"]
        await page.next("tick")
        book = LogBook(held, 1000)
        book.add("a line", "w")
        book.progress(2, 3, "nearly")
        await sync_to_async(book.write)()
        pulse = await page.next("pulse", "changes")
    assert pulse["type"] == "pulse"
    assert pulse["steps"] == {
        str(held.step_id): {
            **{"done": 2, "total": 3, "text": "nearly"},
            **{"lines": 1, "warnings": 1, "errors": 0},
        }
    }


async def test_what_starts_and_ends_needs_no_pulse(ada, claimant, monkeypatch):
    monkeypatch.setattr(feeds, "TICK_SECONDS", 60.0)
    job = await sync_to_async(launch)("noop")
    async with socket(job, ada, await sync_to_async(position_of)(job)) as page:
        await page.next("tick")
        [held] = await sync_to_async(claim)(claimant, 1)
        await page.next("changes")
        assert await page.heard() == {"changes"}
        await sync_to_async(finish)(claimant, held, returned(), 0)
        await page.next("changes")
        assert await page.heard() == {"changes"}


async def test_a_pulse_is_sent_again_when_it_says_something_new_or_the_page_asks(ada, monkeypatch):
    monkeypatch.setattr(feeds, "TICK_SECONDS", 0.05)
    job = await sync_to_async(launch)("noop")
    async with socket(job, ada, await sync_to_async(position_of)(job)) as page:
        assert (await page.next("pulse"))["workers"]["nobody"]
        tick = await page.next("tick")
        for _ in range(5):
            assert (await page.next("pulse", "tick"))["type"] == "tick"
        await page.say(type="resync", seq=tick["seq"], tag=tick["tag"])  # it may have lost it
        assert (await page.next("pulse"))["workers"]["nobody"]
        registration = await sync_to_async(workers.register)(
            slots=1, knows=definitions.known_steps()
        )
        while (await page.next("pulse"))["workers"]["nobody"]:
            pass
        await sync_to_async(registration.deregister)()


async def test_a_pulse_says_that_no_worker_runs(ada):
    job = await sync_to_async(launch)("noop")
    async with socket(job, ada) as page:
        workers = (await page.next("pulse"))["workers"]
    assert workers["nobody"] == workers["ready"]["default"]
    assert "manage.py worker" in "".join(workers["ready"]["default"])


async def test_a_job_that_is_deleted_is_gone(ada):
    job = await sync_to_async(launch)("noop")
    async with socket(job, ada) as page:
        await page.next("tick")
        await sync_to_async(Job.objects.filter(pk=job.pk).delete)()
        await page.next("gone")
        assert await page.closed() == 4404


# --- logs -----------------------------------------------------------------------------------------


async def test_a_followed_log_arrives_complete_and_each_line_once(ada, claimant):
    job = await sync_to_async(launch)("noop")
    [held] = await sync_to_async(claim)(claimant, 1)
    await sync_to_async(write_log)(held, (f"<b>{n}</b>" for n in range(1, 1201)))
    async with socket(job, ada) as page:
        await page.say(type="follow", step=held.step_id, **{"from": 1})
        got = []
        while len(got) < 1203:
            frame = await page.next("log")
            numbers = [int(number) for number in re.findall(r'data-line="(\d+)"', frame["html"])]
            assert (frame["first"], frame["last"]) == (numbers[0], numbers[-1])
            got += numbers
            if len(got) == 1200:
                assert escape("<b>1200</b>") in frame["html"]
                await sync_to_async(write_log)(held, ["more"] * 3)
    assert got == list(range(1, 1204))
    await sync_to_async(finish)(claimant, held, returned(), 0)


async def test_a_log_is_followed_from_where_the_page_is(ada, claimant):
    job = await sync_to_async(launch)("noop")
    [held] = await sync_to_async(claim)(claimant, 1)
    await sync_to_async(write_log)(held, ["one", "two", "three"])
    async with socket(job, ada) as page:
        await page.say(type="follow", step=held.step_id, **{"from": 3})
        frame = await page.next("log")
    assert (frame["first"], frame["last"], frame["total"]) == (3, 3, 3)


async def test_lines_of_a_level_are_followed_and_the_rest_is_passed_over(ada, claimant):
    job = await sync_to_async(launch)("noop")
    [held] = await sync_to_async(claim)(claimant, 1)
    book = LogBook(held, 10**6)

    def say(*levels):
        for level in levels:
            book.add(level, level)
        book.write()

    await sync_to_async(say)(*"iwi" * 400)
    async with socket(job, ada) as page:
        await page.say(type="follow", step=held.step_id, newest=1, level="warning")
        frame = await page.next("log")
        assert (frame["first"], frame["last"]) == (1001, 1200)
        assert frame["html"].count('data-level="w"') == frame["html"].count("<li") == 67
        await sync_to_async(say)("i", "i")
        frame = await page.next("log")
        assert (frame["first"], frame["last"], frame["html"]) == (1201, 1202, "")
        await sync_to_async(say)("i", "e")
        frame = await page.next("log")
        assert (frame["first"], frame["last"]) == (1203, 1204)
        assert frame["html"].count('data-level="e"') == frame["html"].count("<li") == 1
        await page.say(type="follow", step=held.step_id, newest=1, to=1000, level="warning")
        frame = await page.next("log")
        assert (frame["first"], frame["last"]) == (501, 1000)
        await sync_to_async(say)("e")
        assert "log" not in await page.heard()


async def test_lines_beside_folded_groups_come_until_there_are_enough(ada, claimant):
    job = await sync_to_async(launch)("noop")
    [held] = await sync_to_async(claim)(claimant, 1)
    said = ["::group::Long", *["in it"] * 2000, "::endgroup::", *["behind"] * 700]
    await sync_to_async(write_log)(held, said)
    async with socket(job, ada, await sync_to_async(position_of)(job)) as page:
        asked = {"from": 2, "most": 200, "folded": [1]}
        await page.say(type="follow", step=held.step_id, **asked)
        frame = await page.next("log")
        assert (frame["first"], frame["last"]) == (2, 2500)
        assert frame["html"].count("<li") == frame["html"].count("behind") == 498
        assert "log" not in await page.heard()


async def test_the_log_of_another_job_is_not_sent(ada, claimant):
    theirs = await sync_to_async(launch)("noop")
    [held] = await sync_to_async(claim)(claimant, 1)
    await sync_to_async(write_log)(held, ["secret"])
    mine = await sync_to_async(launch)("noop")
    assert held.job_id == theirs.pk
    async with socket(mine, ada) as page:
        await page.next("tick")
        await page.say(type="follow", step=held.step_id, **{"from": 1})
        assert "log" not in await page.heard()


async def test_what_no_newline_has_ended_is_sent_to_those_at_the_end(ada, claimant):
    job = await sync_to_async(launch)("noop")
    [held] = await sync_to_async(claim)(claimant, 1)
    book = LogBook(held, 1000)
    async with socket(job, ada, await sync_to_async(position_of)(job)) as page:
        await page.next("tick")
        await page.say(type="follow", step=held.step_id, **{"from": 1})
        seen = []
        for text in ("10%", "10%\r<20%>"):
            book.leave_open(text)
            await sync_to_async(book.write)()
            frame = await page.next("log")
            seen.append((frame["first"], frame["last"], frame["open"], frame["html"]))
        await page.say(type="follow", step=held.step_id, **{"from": 1})  # it has lost what it had
        assert (await page.next("log"))["open"] == "&lt;20%&gt;"
        book.add("10%\r<20%>")
        book.leave_open("")
        await sync_to_async(book.write)()
        frame = await page.next("log")
        assert "log" not in await page.heard()
    assert seen == [(1, 0, "10%", ""), (1, 0, "&lt;20%&gt;", "")]
    assert (frame["first"], frame["last"], frame["open"]) == (1, 1, "")


async def test_an_open_line_ends_with_its_attempt(ada, claimant):
    job = await sync_to_async(launch)("noop")
    [held] = await sync_to_async(claim)(claimant, 1)
    book = LogBook(held, 1000)
    book.leave_open("10%")
    await sync_to_async(book.write)()
    async with socket(job, ada, await sync_to_async(position_of)(job)) as page:
        await page.say(type="follow", step=held.step_id, **{"from": 1})
        assert (await page.next("log"))["open"] == "10%"
        await sync_to_async(finish)(claimant, held, ended(Verdict.LOST), 0)
        assert (await page.next("log"))["open"] == ""


@pytest.mark.parametrize("permissions", [["view_job"], ["view_job", "view_log"]])
async def test_logs_are_sent_only_with_the_permission_to_read_them(login, claimant, permissions):
    client = await sync_to_async(login)(*permissions)
    job = await sync_to_async(launch)("noop")
    [held] = await sync_to_async(claim)(claimant, 1)
    await sync_to_async(write_log)(held, ["a line"])
    position = await sync_to_async(position_of)(job)
    async with socket(job, client, position) as page:
        await page.next("tick")
        await page.say(type="follow", step=held.step_id, **{"from": 1})
        assert ("log" in await page.heard()) == ("view_log" in permissions)


async def test_a_log_that_is_not_followed_any_more_is_silent(ada, claimant):
    job = await sync_to_async(launch)("noop")
    [held] = await sync_to_async(claim)(claimant, 1)
    await sync_to_async(write_log)(held, ["one"])
    async with socket(job, ada, await sync_to_async(position_of)(job)) as page:
        await page.say(type="follow", step=held.step_id, **{"from": 1})
        await page.next("log")
        await page.say(type="unfollow", step=held.step_id)
        await page.heard()
        await sync_to_async(write_log)(held, ["two"])
        assert "log" not in await page.heard()


@pytest.mark.parametrize("error", [ConnectionResetError, RuntimeError])
async def test_nothing_is_sent_to_a_client_that_is_gone(error):
    """Servers raise OSError then; uvicorn raises RuntimeError when it has closed the socket."""
    sent = []

    async def send(message):
        sent.append(message["type"])
        raise error

    gone = consumers.JobConsumer({}, receive=None, send=send)
    await gone._send_text("a frame")
    await gone._send_text("another")
    await gone._close(1011)
    assert sent == ["websocket.send"]


# --- the window -----------------------------------------------------------------------------------


async def test_a_page_that_acknowledges_nothing_is_sent_no_more_than_a_window(ada, monkeypatch):
    """… and once it does, it gets what changed meanwhile, as one change."""
    monkeypatch.setattr(viewers, "MOST_UNACKNOWLEDGED", 5)
    monkeypatch.setattr(feeds, "TICK_SECONDS", 0.05)
    job = await sync_to_async(launch)("noop")
    async with socket(job, ada, await sync_to_async(position_of)(job)) as page:
        while not page.numbers or page.numbers[-1] < 5:
            await page.next("tick")
        await sync_to_async(cancel)(job.pk)
        assert await page.receive_nothing(timeout=0.5)
        await page.say(type="ack", n=page.numbers[-1])
        assert (await page.next("changes"))["since"] == 1


async def test_a_page_that_never_acknowledges_is_dropped(ada, monkeypatch):
    monkeypatch.setattr(viewers, "ACKNOWLEDGE_SECONDS", 0.2)
    monkeypatch.setattr(feeds, "TICK_SECONDS", 0.05)
    job = await sync_to_async(launch)("noop")
    async with socket(job, ada) as page:
        assert await page.closed() == 1013


async def test_a_page_that_acknowledges_is_kept(ada, monkeypatch):
    monkeypatch.setattr(viewers, "ACKNOWLEDGE_SECONDS", 0.2)
    monkeypatch.setattr(feeds, "TICK_SECONDS", 0.05)
    job = await sync_to_async(launch)("noop")
    async with socket(job, ada) as page:
        for _ in range(10):
            await page.next("tick")
            await page.say(type="ack", n=page.numbers[-1])


async def test_an_acknowledgement_of_what_was_never_sent_opens_no_window(ada, monkeypatch):
    monkeypatch.setattr(viewers, "MOST_UNACKNOWLEDGED", 5)
    monkeypatch.setattr(feeds, "TICK_SECONDS", 0.05)
    job = await sync_to_async(launch)("noop")
    async with socket(job, ada) as page:
        await page.say(type="ack", n=10**9)
        while not page.numbers or page.numbers[-1] < 5:
            await page.next("tick", "changes", "pulse")
        while not await page.receive_nothing(timeout=0.5):
            page.numbers.append(json.loads(await page.receive_from())["n"])
    assert page.numbers[-1] < 5 + 5 + 3


async def test_two_pages_of_one_job_each_get_their_own(ada):
    job = await sync_to_async(launch)("noop")
    position = await sync_to_async(position_of)(job)
    async with socket(job, ada, position) as new, socket(job, ada) as old:
        assert (await new.next("tick", "changes"))["type"] == "tick"
        assert (await old.next("tick", "changes"))["since"] == 0
        await sync_to_async(cancel)(job.pk)
        assert (await new.next("changes"))["html"] == (await old.next("changes"))["html"]


async def test_pages_that_reconnect_together_cost_one_read(ada, claimant, monkeypatch):
    asked, read = [], job_feed.read_job
    monkeypatch.setattr(job_feed, "read_job", lambda *view: asked.append(view) or read(*view))
    job = await sync_to_async(launch)("noop")
    position = await sync_to_async(position_of)(job)
    await sync_to_async(claim)(claimant, 1)
    async with AsyncExitStack() as stack:
        opened = (stack.enter_async_context(socket(job, ada, position)) for _ in range(40))
        for page in await asyncio.gather(*opened):
            assert (await page.next("changes"))["since"] == 1
            await page.next("tick")
        async with socket(job, ada, position) as late:
            assert (await late.next("changes"))["since"] == 1
        assert len(asked) == 1
        await sync_to_async(cancel)(job.pk)
        await page.next("changes")
    assert len(asked) == 2


async def test_what_is_kept_for_pages_that_reconnect_is_bounded(ada, claimant):
    """A page that asks for every position of a job leaves no answer for each behind."""
    job = await sync_to_async(launch)("noop")
    await sync_to_async(drive)(claimant, job)
    tags = [entry.tag async for entry in Transition.objects.filter(job=job).order_by("seq")]
    async with socket(job, ada) as page:
        await page.next("tick")
        for seq, tag in enumerate(tags[:-1], 1):
            await page.say(type="resync", seq=seq, tag=tag)
            assert (await page.next("changes"))["since"] == seq
        [feed] = get_hub()._feeds.values()
        assert len(tags) > job_feed.MOST_KEPT + 1 >= len(feed._last.changes)


async def test_a_deleted_job_is_not_watched_again(ada, monkeypatch):
    """Its feed has ended, and the page that it served is still connected."""
    monkeypatch.setattr(viewers.Viewer, "close", lambda viewer, code: None)
    job = await sync_to_async(launch)("noop")
    async with socket(job, ada) as page:
        await page.next("tick")
        pk = job.pk
        await sync_to_async(Job.objects.filter(pk=pk).delete)()
        await page.next("gone")
        async with socket(pk, ada) as late:
            assert await late.closed() == 4404


@pytest.mark.postgres
async def test_a_process_without_viewers_holds_no_connection(ada):
    def others():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT query FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return cursor.fetchall()

    before = len(await sync_to_async(others)())
    job = await sync_to_async(launch)("noop")
    async with socket(job, ada) as page:
        await page.next("tick", "changes")
        assert len(await sync_to_async(others)()) > before
    await sync_to_async(wait_for)(lambda: len(others()) == before)
