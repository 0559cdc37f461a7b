"""Sight: what changed in one job since a position."""

from functools import partial

import pytest

from jobs.models import Attempt, Job
from jobs.orchestrator import claim, finish, launch
from jobs.sight import positions
from jobs.sight.failures import errors_of
from jobs.sight.job import glance, look
from jobs.sight.positions import CannotFollow, history, position_of
from jobs.sight.steps import FIRST_PART, Part, pulse
from jobs.statuses import Verdict
from jobs.templatetags.truestep import reason
from tests.support import Cost, drive, ended, job_of, returned, step_of


def names(sight):
    return [item.step.name for item in sight.steps]


def test_from_the_beginning_everything_is_new(desk):
    job = drive(desk, launch("diamond"))
    sight = look(job.pk)
    assert (sight.since, sight.seq, sight.tag) == (0, job.seq, job.journal.latest("seq").tag)
    assert names(sight) == ["top", "left", "right", "bottom"]
    assert [entry.seq for entry in sight.journal] == list(range(1, job.seq + 1))
    assert sight.counts == {FIRST_PART: {"succeeded": 4}}
    assert sight.errors == []


def test_where_nothing_is_new_nothing_is_told(desk):
    job = launch("noop")
    here = look(job.pk)
    sight = look(job.pk, here.seq, here.tag)
    assert (sight.steps, sight.journal, sight.seq, sight.tag) == ([], [], here.seq, here.tag)


def test_at_every_position_exactly_what_is_newer_is_told(desk):
    """Whoever follows in any strides has in the end what the database has."""
    job = drive(
        desk,
        launch("fails"),
        lambda held: ended(Verdict.FAILED) if held.name == "bad" else returned(),
    )
    tags = dict(job.journal.values_list("seq", "tag"))
    whole = look(job.pk)
    for since, tag in tags.items():
        sight = look(job.pk, since, tag)
        assert [entry.seq for entry in sight.journal] == list(range(since + 1, job.seq + 1))
        assert names(sight) == [item.step.name for item in whole.steps if item.step.seq > since]


def test_a_step_says_what_it_still_waits_for(desk):
    job = launch("diamond")
    [top] = claim(desk, room=1)
    assert {item.step.name: item.waits_for for item in look(job.pk).steps} == {
        "top": [],
        "left": ["top"],
        "right": ["top"],
        "bottom": ["left", "right"],
    }
    here = look(job.pk)
    finish(desk, top, returned(1), room=0)
    sight = look(job.pk, here.seq, here.tag)
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
    one, two = look(job.pk).steps[:2]
    assert (one.attempt.number, two.attempt) == (second.attempt, None)


@pytest.mark.parametrize(("since", "tag"), [(1, "other"), (1, ""), (2, "x"), (99, "")])
def test_a_position_of_another_history_is_refused(database, since, tag):
    job = launch("noop")
    with pytest.raises(CannotFollow):
        look(job.pk, since, tag)


def test_a_job_that_is_not_there_is_not_there(database):
    for read in (look, position_of, partial(glance, most=1)):
        with pytest.raises(Job.DoesNotExist):
            read(999)


def test_errors_are_one_line_each_and_ten_at_most(transactional_db, desk):
    job = drive(desk, launch("fails"), lambda held: ended(Verdict.FAILED, "first\nsecond"))
    assert errors_of(job.pk) == ["fine: first"]
    Attempt.objects.update(error="x" * 10_000)
    assert len(errors_of(job.pk)[0]) < 400
    Attempt.objects.update(error="")
    assert errors_of(job.pk) == ["fine: failed"]


def test_a_pulse_is_about_running_steps_alone(desk):
    job = launch("noop")
    assert pulse(job.pk) == {}
    [held] = claim(desk, room=1)
    assert list(pulse(job.pk)) == [str(held.step_id)]
    finish(desk, held, returned(), room=0)
    assert pulse(job.pk) == {}
    assert step_of(job, "one").status == "succeeded"


def test_a_look_costs_the_same_for_any_number_of_steps(desk):
    small, large = launch("waits", {"gate": "x"}), launch("noop")
    costs = []
    for job in (small, large):
        with Cost() as cost:
            look(job.pk)
        costs.append(len(cost.statements))
    assert costs[0] == costs[1] <= 7


# --- big jobs: bounded parts ----------------------------------------------------------------------


@pytest.fixture
def thousand(desk):
    """A job of 1,000 steps, 999 of them side by side, the last one waits for all."""
    return launch("thousand_wide")


def test_a_look_shows_a_part_of_the_steps_and_counts_them_all(thousand):
    sight = look(thousand.pk, part=Part(300))
    assert names(sight) == [f"s{n}" for n in range(300, 400)]
    assert list(sight.counts) == [Part(first) for first in range(0, 1000, 100)]
    assert {tuple(count.items()) for count in sight.counts.values()} == {(("pending", 100),)}


def test_a_change_in_another_part_moves_the_position_all_the_same(thousand, desk):
    here = look(thousand.pk, part=Part(900))
    [held] = claim(desk, room=1)
    assert held.name == "s000"
    sight = look(thousand.pk, here.seq, here.tag, Part(900))
    assert names(sight) == []
    assert sight.seq == job_of(thousand.pk).seq
    assert sight.counts[Part(0)] == {"pending": 99, "running": 1}
    sight = look(thousand.pk, here.seq, here.tag)
    assert names(sight) == ["s000"]


def test_a_step_that_waits_for_many_says_how_many(thousand, desk):
    last = look(thousand.pk, part=Part(900)).steps[-1]
    assert (last.step.waiting, last.waits_for) == (999, [])
    assert reason(last) == "waits for 999 steps"


def test_the_newest_entries_are_shown_and_older_ones_on_request(thousand, desk, monkeypatch):
    monkeypatch.setattr(positions, "ENTRIES_SHOWN", 5)
    monkeypatch.setattr(positions, "FURTHEST", 8)
    here = look(thousand.pk)
    claim(desk, room=8)
    end = job_of(thousand.pk).seq

    def numbers(entries):
        return [entry.seq for entry in entries]

    assert end == 10
    assert numbers(look(thousand.pk).journal) == [6, 7, 8, 9, 10]
    assert numbers(history(thousand.pk, 6)) == [1, 2, 3, 4, 5]
    assert numbers(history(thousand.pk, 3)) == [1, 2]
    assert history(thousand.pk, 1) == []
    two = thousand.journal.get(seq=2)
    assert numbers(look(thousand.pk, 2, two.tag).journal) == [3, 4, 5, 6, 7, 8, 9, 10]
    with pytest.raises(CannotFollow):
        look(thousand.pk, here.seq, here.tag)
