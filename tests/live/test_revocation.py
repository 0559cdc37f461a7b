"""Open sockets end with the right that opened them."""

import asyncio
import time
from contextlib import AsyncExitStack

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.utils import timezone

from jobs import news
from jobs.live import access, commits, hub, sessions, viewers
from jobs.live.hub import get_hub
from jobs.live.sessions import Access, read_access
from jobs.orchestrator import claim, launch
from tests.support import Cost, in_threads
from tests.support.driving import write_log
from tests.support.sockets import socket

pytestmark = [pytest.mark.slow, pytest.mark.either]

REVOCATIONS = {
    "logout": (4401, lambda user, client: client.logout()),
    "deactivated": (4401, lambda user, client: save(user, is_active=False)),
    "deleted": (4401, lambda user, client: user.delete()),
    "password": (4401, lambda user, client: (user.set_password("new"), user.save())),
    "permission": (4403, lambda user, client: user.user_permissions.clear()),
}


def save(user, **values):
    for name, value in values.items():
        setattr(user, name, value)
    user.save()


def viewer(name="vera"):
    user = User.objects.create_user(name)
    user.user_permissions.set(Permission.objects.filter(codename="view_job"))
    client = Client()
    client.force_login(user)
    return user, client


@pytest.fixture
def only_hints(monkeypatch):
    """Neither the watch for commits nor the look every 10 s helps."""
    monkeypatch.setattr(commits, "has_commit", lambda watch: False)
    monkeypatch.setattr(access, "CHECK_SECONDS", 60)


@pytest.fixture
def only_the_batch(monkeypatch):
    """No hint arrives."""
    monkeypatch.setattr(commits, "has_commit", lambda watch: False)
    monkeypatch.setattr(news, "announce_access", lambda using: None)
    monkeypatch.setattr(access, "CHECK_SECONDS", 0.1)
    monkeypatch.setattr(access, "GATHER_SECONDS", 0)


async def closed_with(page):
    """The code, and that no frame follows it."""
    code = await page.closed()
    assert await page.receive_nothing(timeout=0.3)
    return code


@pytest.mark.parametrize("what", REVOCATIONS)
@pytest.mark.parametrize("way", ["only_hints", "only_the_batch"])
async def test_a_permission_that_ends_closes_its_sockets(database, request, way, what):
    request.getfixturevalue(way)
    code, revoke = REVOCATIONS[what]
    user, client = await sync_to_async(viewer)()
    _, other = await sync_to_async(viewer)("otto")
    job = await sync_to_async(launch)("noop")
    async with socket(job, client) as page, socket(None, client) as list_, socket(job, other) as by:
        for opened in (page, list_, by):
            await opened.next("tick")
        await sync_to_async(revoke)(user, client)
        assert [await closed_with(page), await closed_with(list_)] == [code, code]
        await by.next("tick")  # not another's


def test_a_user_deactivated_during_a_check_is_logged_out_not_refused(database, monkeypatch):
    user, client = viewer()
    key = client.cookies["sessionid"].value
    permitted = sessions._permitted

    def meanwhile(users, permission):
        assert in_threads(lambda: save(User.objects.get(pk=user.pk), is_active=False)) == [None]
        return permitted(users, permission)

    monkeypatch.setattr(sessions, "_permitted", meanwhile)
    assert read_access([key])[key].code == 0  # all that was read is from before
    monkeypatch.setattr(sessions, "_permitted", permitted)
    assert read_access([key])[key].code == 4401


def test_a_session_that_is_no_login_is_refused_and_harms_no_other(database):
    """A host project may keep something in it of people who are not logged in."""
    _, client = viewer()
    key = client.cookies["sessionid"].value
    nobody = Client().session
    nobody["cart"] = [1]
    nobody.save()
    output = read_access([key, nobody.session_key])
    assert [output[key].code, output[nobody.session_key].code] == [0, 4401]


async def test_a_logout_whose_session_is_deleted_late(database, only_hints, monkeypatch):
    """Django says that a user logs out before it deletes the session."""

    def flush_late(session):
        time.sleep(3 * access.GATHER_SECONDS)
        session.clear()
        session.delete()

    monkeypatch.setattr(SessionStore, "flush", flush_late)
    _, client = await sync_to_async(viewer)()
    job = await sync_to_async(launch)("noop")
    async with socket(job, client) as page:
        await page.next("tick")
        await sync_to_async(client.logout)()
        assert await closed_with(page) == 4401


async def test_a_permission_taken_from_a_group_closes_its_sockets(database, only_hints):
    def prepare():
        user, client = viewer()
        user.user_permissions.clear()
        group = Group.objects.create(name="watchers")
        group.permissions.set(Permission.objects.filter(codename="view_job"))
        user.groups.add(group)
        return client, group

    client, group = await sync_to_async(prepare)()
    async with socket(None, client) as page:
        await page.next("tick")
        await sync_to_async(group.permissions.clear)()
        assert await closed_with(page) == 4403


async def test_a_session_that_expires(database, only_the_batch):
    _, client = await sync_to_async(viewer)()
    async with socket(None, client) as page:
        await page.next("tick")
        await Session.objects.aupdate(expire_date=timezone.now())
        assert await closed_with(page) == 4401


@pytest.mark.sqlite
async def test_a_commit_of_another_process_without_a_poke(database, monkeypatch):
    monkeypatch.setattr(news, "announce_access", lambda using: None)
    monkeypatch.setattr(access, "CHECK_SECONDS", 60)
    _, client = await sync_to_async(viewer)()
    async with socket(None, client) as page:
        await page.next("tick")
        await User.objects.aupdate(is_active=False)
        assert await closed_with(page) == 4401


async def test_losing_the_log_permission_keeps_the_socket_open(database, claimant, only_hints):
    user, client = await sync_to_async(viewer)()
    may_read = await Permission.objects.aget(codename="view_log")
    await user.user_permissions.aadd(may_read)
    job = await sync_to_async(launch)("noop")
    [held] = await sync_to_async(claim)(claimant, 1)
    await sync_to_async(write_log)(held, ["one"])
    async with socket(job, client) as page:
        await page.say(type="follow", step=held.step_id, **{"from": 1})
        await page.next("log")
        await user.user_permissions.aremove(may_read)
        [feed_] = get_hub()._feeds.values()
        async with asyncio.timeout(5):
            while any(viewer.sees_logs for viewer in feed_.viewers):
                await asyncio.sleep(0.01)
        await sync_to_async(write_log)(held, ["two"])
        await page.say(type="follow", step=held.step_id, **{"from": 2})
        assert "log" not in await page.heard()


async def test_too_many_pages_of_one_user(database, settings):
    settings.TRUESTEP = {"sockets": 2}
    _, client = await sync_to_async(viewer)()
    async with AsyncExitStack() as pages:
        for _ in range(2):
            page = await pages.enter_async_context(socket(None, client))
            await page.next("tick")
        async with socket(None, client) as third:
            assert await third.closed() == 4429
        await page.disconnect()
        async with socket(None, client) as again:
            await again.next("tick")


async def test_a_client_that_goes_while_it_is_admitted_leaves_nothing(database, monkeypatch):
    """The handshake fails: neither a viewer nor a feed stays behind."""
    _, client = await sync_to_async(viewer)()

    async def fail(self, function, *args):
        raise RuntimeError("cut")

    monkeypatch.setattr(hub.FeedHub, "read", fail)
    with pytest.raises(RuntimeError, match="cut"):
        async with socket(None, client) as page:
            await page.receive_output(5)
    checker = get_hub().access
    assert (get_hub()._feeds, checker._sockets) == ({}, set())


async def test_a_page_that_is_dropped_leaves_no_feed_that_reads(database, monkeypatch):
    monkeypatch.setattr(viewers, "ACKNOWLEDGE_SECONDS", 0.2)
    monkeypatch.setattr("jobs.live.feeds.TICK_SECONDS", 0.05)
    _, client = await sync_to_async(viewer)()
    async with socket(None, client) as page:
        assert await page.closed() == 1013
        assert await page.receive_nothing(timeout=0.3)
        [left] = get_hub()._feeds.values()
        output = []
        monkeypatch.setattr(left, "_update", lambda *arguments: output.append(arguments))
        assert await page.receive_nothing(timeout=0.3)  # several ticks
        assert output == [], "it reads for no one"


class Page:
    user = None

    def __init__(self, session_key):
        self.session_key = session_key


class Looks:
    """Looks that take a while, kept with the keys that each was for."""

    def __init__(self, fails=0):
        self.keys = []
        self.began = asyncio.Event()  # the second one
        self._fails = fails

    async def __call__(self, verdicts, keys):
        self.keys.append(keys)
        if len(self.keys) == 2:
            self.began.set()
        await asyncio.sleep(0.05)
        if len(self.keys) == self._fails:
            raise OSError("away")
        return {key: Access(0, key) for key in keys}


async def test_pages_that_connect_together_share_one_check():
    looks = Looks()
    checker = access.AccessChecker(looks)
    answers = await asyncio.gather(*(checker.admit(Page(str(number))) for number in range(100)))
    assert [verdict.user for verdict in answers] == [str(number) for number in range(100)]
    assert [len(keys) for keys in looks.keys] == [1, 99]


@pytest.mark.parametrize("way", ["it goes", "its look fails"])
async def test_a_page_that_asks_for_others_too_leaves_them_their_answers(way):
    looks = Looks(fails=2 if way == "its look fails" else 0)
    checker = access.AccessChecker(looks)
    pages = [asyncio.create_task(checker.admit(Page(str(number)))) for number in range(4)]
    await looks.began.wait()
    if way == "it goes":
        pages[1].cancel()
    answers = await asyncio.gather(*pages, return_exceptions=True)
    assert isinstance(answers[1], asyncio.CancelledError if way == "it goes" else OSError)
    assert [answers[number].user for number in (0, 2, 3)] == ["0", "2", "3"]
    assert looks.keys == [{"0"}, {"1", "2", "3"}, {"2", "3"}]


def test_one_look_at_a_hundred_sockets_costs_four_queries(database):
    keys = [viewer(f"user{n}")[1].session.session_key for n in range(100)]
    with Cost() as cost:
        began = time.perf_counter()
        answers = read_access(keys)
        print(f"100 sockets: {(time.perf_counter() - began) * 1000:.1f} ms")
    snapshot = ["SET TRANSACTION"] if connection.vendor == "postgresql" else []
    said = [" ".join(statement.split()[:2]) for statement in cost.statements]
    assert said[: len(snapshot)] == snapshot
    assert len(said) == len(snapshot) + 4
    assert {answer.code for answer in answers.values()} == {0}


def test_other_backends_and_other_sessions_are_asked_one_by_one(database, settings):
    user, _ = viewer()
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    client = Client()
    client.force_login(user)
    key = client.session.session_key
    settings.AUTHENTICATION_BACKENDS = [
        "django.contrib.auth.backends.ModelBackend",
        "django.contrib.auth.backends.RemoteUserBackend",
    ]
    assert read_access([key, "", "nobody's"]) == {
        key: Access(0, user.pk, False),
        "": Access(4401),
        "nobody's": Access(4401),
    }
