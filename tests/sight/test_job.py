"""What changed in one job since a position."""

from functools import partial

import pytest

from jobs.models import Attempt, Job
from jobs.orchestrator import claim, finish, launch
from jobs.sight import positions
from jobs.sight.failures import failures_of_job
from jobs.sight.job import read_job, read_overview
from jobs.sight.positions import CannotFollow, Position, history, position_of
from jobs.sight.steps import FIRST_PAGE, StepPage, pulse
from jobs.statuses import Verdict
from jobs.templatetags.truestep import reason
from tests.support import Cost, drive, ended, job_of, returned, step_of


def names(snapshot):
    return [item.step.name for item in snapshot.steps]


def test_from_the_beginning_everything_is_new(claimant):
    job = drive(claimant, launch("diamond"))
    snapshot = read_job(job.pk)
    assert (snapshot.since, snapshot.position) == (0, (job.seq, job.journal.latest("seq").tag))
    assert names(snapshot) == ["top", "left", "right", "bottom"]
    assert [entry.seq for entry in snapshot.journal] == list(range(1, job.seq + 1))
    assert snapshot.counts == {FIRST_PAGE: {"succeeded": 4}}
    assert snapshot.errors == []


def test_without_a_new_entry_nothing_has_changed(claimant):
    job = launch("noop")
    here = read_job(job.pk)
    snapshot = read_job(job.pk, here.position)
    assert (snapshot.steps, snapshot.journal, snapshot.position) == ([], [], here.position)


def test_every_position_gets_exactly_the_newer_entries(claimant):
    """A reader that stops at any entry has everything when it reads on."""
    job = drive(
        claimant,
        launch("fails"),
        lambda held: ended(Verdict.FAILED) if held.name == "bad" else returned(),
    )
    tags = dict(job.journal.values_list("seq", "tag"))
    whole = read_job(job.pk)
    for since, tag in tags.items():
        snapshot = read_job(job.pk, Position(since, tag))
        assert [entry.seq for entry in snapshot.journal] == list(range(since + 1, job.seq + 1))
        assert names(snapshot) == [item.step.name for item in whole.steps if item.step.seq > since]


def test_a_step_names_its_unfinished_dependencies(claimant):
    job = launch("diamond")
    [top] = claim(claimant, room=1)
    assert {item.step.name: item.waits_for for item in read_job(job.pk).steps} == {
        "top": [],
        "left": ["top"],
        "right": ["top"],
        "bottom": ["left", "right"],
    }
    here = read_job(job.pk)
    finish(claimant, top, returned(1), room=0)
    snapshot = read_job(job.pk, here.position)
    assert {item.step.name: item.waits_for for item in snapshot.steps} == {
        "top": [],
        "left": [],
        "right": [],
    }


def test_a_step_comes_with_its_current_attempt(claimant):
    job = launch("noop")
    [first] = claim(claimant, room=1)
    finish(claimant, first, ended(Verdict.HANDED_BACK), room=0)
    [second] = claim(claimant, room=1)
    one, two = read_job(job.pk).steps[:2]
    assert (one.attempt.number, two.attempt) == (second.attempt, None)


@pytest.mark.parametrize(("since", "tag"), [(1, "other"), (1, ""), (2, "x"), (99, "")])
def test_a_position_of_another_history_is_refused(database, since, tag):
    job = launch("noop")
    with pytest.raises(CannotFollow):
        read_job(job.pk, Position(since, tag))


def test_an_unknown_job_does_not_exist(database):
    for read in (read_job, position_of, partial(read_overview, most=1)):
        with pytest.raises(Job.DoesNotExist):
            read(999)


def lines(job):
    return [failure.line for failure in failures_of_job(job.pk)]


def test_errors_are_one_line_each_and_ten_at_most(transactional_db, claimant):
    job = drive(claimant, launch("fails"), lambda held: ended(Verdict.FAILED, "first\nsecond"))
    assert lines(job) == ["fine: first"]
    Attempt.objects.update(error="x" * 10_000)
    assert len(lines(job)[0]) < 400
    Attempt.objects.update(error="")
    assert lines(job) == ["fine: failed"]


def test_a_pulse_has_running_steps_only(claimant):
    job = launch("noop")
    assert pulse(job.pk) == {}
    [held] = claim(claimant, room=1)
    assert list(pulse(job.pk)) == [str(held.step_id)]
    finish(claimant, held, returned(), room=0)
    assert pulse(job.pk) == {}
    assert step_of(job, "one").status == "succeeded"


def test_reading_costs_the_same_for_any_number_of_steps(claimant):
    small, large = launch("waits", {"gate": "x"}), launch("noop")
    costs = []
    for job in (small, large):
        with Cost() as cost:
            read_job(job.pk)
        costs.append(len(cost.statements))
    assert costs[0] == costs[1] <= 7


# --- big jobs: pages of steps -------------------------------------------------------------------


@pytest.fixture
def thousand(claimant):
    """A job of 1,000 steps, 999 of them side by side, the last one waits for all."""
    return launch("thousand_wide")


def test_a_page_of_steps_comes_with_counts_of_all(thousand):
    snapshot = read_job(thousand.pk, page=StepPage(300))
    assert names(snapshot) == [f"s{n}" for n in range(300, 400)]
    assert list(snapshot.counts) == [StepPage(first) for first in range(0, 1000, 100)]
    assert {tuple(count.items()) for count in snapshot.counts.values()} == {(("pending", 100),)}


def test_a_change_on_another_page_moves_the_position(thousand, claimant):
    here = read_job(thousand.pk, page=StepPage(900))
    [held] = claim(claimant, room=1)
    assert held.name == "s000"
    snapshot = read_job(thousand.pk, here.position, StepPage(900))
    assert names(snapshot) == []
    assert snapshot.position.seq == job_of(thousand.pk).seq
    assert snapshot.counts[StepPage(0)] == {"pending": 99, "running": 1}
    snapshot = read_job(thousand.pk, here.position)
    assert names(snapshot) == ["s000"]


def test_a_step_with_many_dependencies_says_how_many(thousand, claimant):
    last = read_job(thousand.pk, page=StepPage(900)).steps[-1]
    assert (last.step.waiting, last.waits_for) == (999, [])
    assert reason(last) == "waits for 999 steps"


def test_older_entries_are_read_on_request(thousand, claimant, monkeypatch):
    monkeypatch.setattr(positions, "ENTRIES_SHOWN", 5)
    monkeypatch.setattr(positions, "MOST_BEHIND", 8)
    here = read_job(thousand.pk)
    claim(claimant, room=8)
    end = job_of(thousand.pk).seq

    def numbers(entries):
        return [entry.seq for entry in entries]

    assert end == 10
    assert numbers(read_job(thousand.pk).journal) == [6, 7, 8, 9, 10]
    assert numbers(history(thousand.pk, 6)) == [1, 2, 3, 4, 5]
    assert numbers(history(thousand.pk, 3)) == [1, 2]
    assert history(thousand.pk, 1) == []
    two = thousand.journal.get(seq=2)
    assert numbers(read_job(thousand.pk, Position(2, two.tag)).journal) == [3, 4, 5, 6, 7, 8, 9, 10]
    with pytest.raises(CannotFollow):
        read_job(thousand.pk, here.position)
