"""Sight: what changed in one job since a position."""

import asyncio
import threading
from functools import partial

import pytest
from channels.layers import InMemoryChannelLayer

from jobs import feed
from jobs.models import Attempt, Job
from jobs.orchestrator import cancel, claim, finish, launch
from jobs.statuses import Verdict
from jobs.templatetags.truestep import reason
from tests.support import Cost, drive, ended, job_of, returned, step_of, wait_for


def names(sight):
    return [item.step.name for item in sight.steps]


def test_from_the_beginning_everything_is_new(desk):
    job = drive(desk, launch("diamond"))
    sight = feed.look(job.pk)
    assert (sight.since, sight.seq, sight.tag) == (0, job.seq, job.journal.latest("seq").tag)
    assert names(sight) == ["top", "left", "right", "bottom"]
    assert [entry.seq for entry in sight.journal] == list(range(1, job.seq + 1))
    assert sight.counts == {feed.FIRST_PART: {"succeeded": 4}}
    assert sight.errors == []


def test_where_nothing_is_new_nothing_is_told(desk):
    job = launch("noop")
    here = feed.look(job.pk)
    sight = feed.look(job.pk, here.seq, here.tag)
    assert (sight.steps, sight.journal, sight.seq, sight.tag) == ([], [], here.seq, here.tag)


def test_at_every_position_exactly_what_is_newer_is_told(desk):
    """Whoever follows in any strides has in the end what the database has."""
    job = drive(
        desk,
        launch("fails"),
        lambda held: ended(Verdict.FAILED) if held.name == "bad" else returned(),
    )
    tags = dict(job.journal.values_list("seq", "tag"))
    whole = feed.look(job.pk)
    for since, tag in tags.items():
        sight = feed.look(job.pk, since, tag)
        assert [entry.seq for entry in sight.journal] == list(range(since + 1, job.seq + 1))
        assert names(sight) == [item.step.name for item in whole.steps if item.step.seq > since]


def test_a_step_says_what_it_still_waits_for(desk):
    job = launch("diamond")
    [top] = claim(desk, room=1)
    assert {item.step.name: item.waits_for for item in feed.look(job.pk).steps} == {
        "top": [],
        "left": ["top"],
        "right": ["top"],
        "bottom": ["left", "right"],
    }
    here = feed.look(job.pk)
    finish(desk, top, returned(1), room=0)
    sight = feed.look(job.pk, here.seq, here.tag)
    assert {item.step.name: item.waits_for for item in sight.steps} == {
        "top": [],
        "left": [],
        "right": [],
    }


def test_a_step_comes_with_its_current_attempt(desk):
    job = launch("noop")
    [first] = claim(desk, room=1)
    finish(desk, first, ended(Verdict.HANDED_BACK), room=0)
    [second] = claim(desk, room=1)
    one, two = feed.look(job.pk).steps[:2]
    assert (one.attempt.number, two.attempt) == (second.attempt, None)


@pytest.mark.parametrize(("since", "tag"), [(1, "other"), (1, ""), (2, "x"), (99, "")])
def test_a_position_of_another_history_is_refused(database, since, tag):
    job = launch("noop")
    with pytest.raises(feed.CannotFollow):
        feed.look(job.pk, since, tag)


def test_a_job_that_is_not_there_is_not_there(database):
    for read in (feed.look, feed.position_of, partial(feed.glance, most=1)):
        with pytest.raises(Job.DoesNotExist):
            read(999)


def test_errors_are_one_line_each_and_ten_at_most(transactional_db, desk):
    job = drive(desk, launch("fails"), lambda held: ended(Verdict.FAILED, "first\nsecond"))
    assert feed.errors_of(job.pk) == ["fine: first"]
    Attempt.objects.update(error="x" * 10_000)
    assert len(feed.errors_of(job.pk)[0]) < 400
    Attempt.objects.update(error="")
    assert feed.errors_of(job.pk) == ["fine: failed"]


def test_a_pulse_is_about_running_steps_alone(desk):
    job = launch("noop")
    assert feed.pulse(job.pk) == {}
    [held] = claim(desk, room=1)
    assert list(feed.pulse(job.pk)) == [str(held.step_id)]
    finish(desk, held, returned(), room=0)
    assert feed.pulse(job.pk) == {}
    assert step_of(job, "one").status == "succeeded"


def test_a_look_costs_the_same_for_any_number_of_steps(desk):
    small, large = launch("waits", {"gate": "x"}), launch("noop")
    costs = []
    for job in (small, large):
        with Cost() as cost:
            feed.look(job.pk)
        costs.append(len(cost.statements))
    assert costs[0] == costs[1] <= 7


# --- big jobs: bounded parts ----------------------------------------------------------------------


@pytest.fixture
def thousand(desk):
    """A job of 1,000 steps, 999 of them side by side, the last one waits for all."""
    return launch("thousand_wide")


def test_a_look_shows_a_part_of_the_steps_and_counts_them_all(thousand):
    sight = feed.look(thousand.pk, part=feed.Part(300))
    assert names(sight) == [f"s{n}" for n in range(300, 400)]
    assert list(sight.counts) == [feed.Part(first) for first in range(0, 1000, 100)]
    assert {tuple(count.items()) for count in sight.counts.values()} == {(("pending", 100),)}


def test_a_change_in_another_part_moves_the_position_all_the_same(thousand, desk):
    here = feed.look(thousand.pk, part=feed.Part(900))
    [held] = claim(desk, room=1)
    assert held.name == "s000"
    sight = feed.look(thousand.pk, here.seq, here.tag, feed.Part(900))
    assert names(sight) == []
    assert sight.seq == job_of(thousand.pk).seq
    assert sight.counts[feed.Part(0)] == {"pending": 99, "running": 1}
    sight = feed.look(thousand.pk, here.seq, here.tag)
    assert names(sight) == ["s000"]


def test_a_step_that_waits_for_many_says_how_many(thousand, desk):
    last = feed.look(thousand.pk, part=feed.Part(900)).steps[-1]
    assert (last.step.waiting, last.waits_for) == (999, [])
    assert reason(last) == "waits for 999 steps"


def test_the_newest_entries_are_shown_and_older_ones_on_request(thousand, desk, monkeypatch):
    monkeypatch.setattr(feed, "ENTRIES_SHOWN", 5)
    monkeypatch.setattr(feed, "FURTHEST", 8)
    here = feed.look(thousand.pk)
    claim(desk, room=8)
    end = job_of(thousand.pk).seq

    def numbers(entries):
        return [entry.seq for entry in entries]

    assert end == 10
    assert numbers(feed.look(thousand.pk).journal) == [6, 7, 8, 9, 10]
    assert numbers(feed.history(thousand.pk, 6)) == [1, 2, 3, 4, 5]
    assert numbers(feed.history(thousand.pk, 3)) == [1, 2]
    assert feed.history(thousand.pk, 1) == []
    two = thousand.journal.get(seq=2)
    assert numbers(feed.look(thousand.pk, 2, two.tag).journal) == [3, 4, 5, 6, 7, 8, 9, 10]
    with pytest.raises(feed.CannotFollow):
        feed.look(thousand.pk, here.seq, here.tag)


# --- pokes ----------------------------------------------------------------------------------------


@pytest.fixture
def layer(monkeypatch):
    """A channel layer that keeps what it is given."""

    class Layer(InMemoryChannelLayer):
        sent: list = []  # noqa: RUF012

        async def group_send(self, group, message):
            self.sent.append((group, message["job"], message["seq"]))

    layer = Layer()
    layer.sent = []
    monkeypatch.setattr(feed, "get_channel_layer", lambda: layer)
    return layer


def test_a_commit_pokes_the_job_and_the_list(database, layer):
    job = launch("noop")
    cancel(job.pk)
    seq = job_of(job.pk).seq
    wait_for(lambda: ("jobs", job.pk, seq) in layer.sent)
    assert (f"job.{job.pk}", job.pk, seq) in layer.sent


def test_of_many_pokes_for_one_job_the_newest_is_sent(layer, monkeypatch):
    """They gather while the loop is busy."""
    publisher = feed._Publisher()
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


def test_without_a_layer_nothing_is_sent_and_nothing_breaks(database, monkeypatch):
    monkeypatch.setattr(feed, "get_channel_layer", lambda: None)
    assert cancel(launch("noop").pk)


async def test_pokes_leave_from_the_loop_that_listens(layer):
    """The in-memory layer wakes only readers of its own loop."""
    publisher = feed._Publisher()
    publisher.home = asyncio.get_running_loop()
    await asyncio.to_thread(publisher.send, 7, 1)
    while len(layer.sent) < 2:
        await asyncio.sleep(0)
    assert publisher._own is None


def test_a_loop_that_stopped_before_it_published_does_not_silence_later_pokes():
    """What a stopped loop still owed goes out with the next poke, on another one."""
    publisher = feed._Publisher()
    stopped = asyncio.new_event_loop()
    publisher._waiting, publisher._busy = {1: 1}, stopped
    stopped.close()
    try:
        publisher.send(2, 1)
        wait_for(lambda: not publisher._waiting)
    finally:
        publisher._own.call_soon_threadsafe(publisher._own.stop)
        wait_for(lambda: not publisher._own.is_running())
        publisher._own.close()
