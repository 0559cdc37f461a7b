"""Concurrency keys: at most so many jobs with one key run at a time; others wait in line."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from jobs import Concurrency, audit
from jobs.database import triggers
from jobs.exceptions import KeyHeld
from jobs.journal import Collision, JobState, commit
from jobs.management.tree import plain
from jobs.models import Job, Transition, lines, lines_behind, ready_steps
from jobs.orchestrator import cancel, claim, finish, hand_over, launch, launch_many, retry
from jobs.sight.waiting import read_workers
from jobs.statuses import Verdict
from jobs.times import rfc3339
from jobs.upkeep.lines import Lines
from tests.support import (
    drive,
    drop_trigger,
    ended,
    error_of,
    finished,
    in_threads,
    job_of,
    program,
    returned,
    rows,
    step_of,
)


def key(at_most=1, when_held="queue", name="customer-7"):
    return Concurrency(key=name, at_most=at_most, when_held=when_held)


def numbers(*jobs):
    return [job_of(job.pk).key_number for job in jobs]


def codes(job):
    return list(Transition.objects.filter(job=job).order_by("seq").values_list("code", flat=True))


def end(claimant, job):
    """Run the steps of this job to their end."""
    claims = claim(claimant, room=9)
    while claims:
        held = claims.pop(0)
        assert held.job_id == job.pk
        claims += finish(claimant, held, returned(), room=9)


def test_a_job_waits_in_line_until_the_holder_has_ended(claimant):
    first, second = (launch("sturdy", concurrency=key()) for _ in range(2))
    assert numbers(first, second) == [1, 0]
    assert {step.job_id for step in ready_steps(9).steps} == {first.pk}
    end(claimant, first)
    assert numbers(second) == [1]
    assert codes(second) == ["job.launched", "note.key_obtained"]
    assert drive(claimant, second).status == "succeeded"


def test_the_highest_priority_is_first_then_the_oldest(claimant):
    holder = launch("sturdy", concurrency=key())
    low, high, old = (launch("sturdy", concurrency=key(), priority=p) for p in (0, 5, 5))
    for job in (holder, high, old, low):
        assert numbers(job) == [1]
        end(claimant, job)


def test_so_many_jobs_as_wanted_hold_a_key(claimant):
    jobs = [launch("sturdy", concurrency=key(at_most=2)) for _ in range(4)]
    assert numbers(*jobs) == [1, 2, 0, 0]
    cancel(jobs[0].pk)
    assert numbers(*jobs) == [1, 2, 1, 0]


def test_another_key_is_another_line(claimant):
    jobs = [launch("sturdy", concurrency=key(name=name)) for name in "aab"]
    assert numbers(*jobs) == [1, 0, 1]


def test_a_refused_launch_writes_nothing_and_names_the_holder(claimant):
    holder = launch("sturdy", concurrency=key(when_held="refuse"))
    before = rows()
    with pytest.raises(KeyHeld, match=f"job {holder.pk} holds the key customer-7") as refused:
        launch("sturdy", concurrency=key(when_held="refuse"))
    assert (refused.value.code, refused.value.job_id) == ("key_held", holder.pk)
    assert rows() == before


def test_a_launch_joins_the_holder_and_writes_nothing(claimant):
    holder = launch("sturdy", concurrency=key(when_held="join"))
    before = rows()
    assert launch("sturdy", concurrency=key(when_held="join"), again_of=holder) == holder
    assert rows() == before
    cancel(holder.pk)
    assert launch("sturdy", concurrency=key(when_held="join")) != holder


def test_a_form_that_is_sent_twice_joins_once(claimant):
    holder = launch("sturdy", concurrency=key())
    joined = launch("sturdy", concurrency=key(when_held="join"), once="a form")
    cancel(holder.pk)
    again = launch("sturdy", concurrency=key(when_held="join"), once="a form")
    assert joined == again == holder


def test_a_launch_joins_the_first_one_in_line_when_nobody_holds_the_key(claimant, monkeypatch):
    monkeypatch.setattr("jobs.orchestrator.lines.hand_over", lambda key: None)
    holder, second = (launch("sturdy", concurrency=key()) for _ in range(2))
    cancel(holder.pk)
    assert launch("sturdy", concurrency=key(when_held="join")) == second
    with pytest.raises(KeyHeld, match=f"job {second.pk} waits for the key"):
        launch("sturdy", concurrency=key(when_held="refuse"))
    assert numbers(launch("sturdy", concurrency=key())) == [0]


def test_many_launches_share_the_lines(claimant):
    jobs = launch_many("per_customer", [{"customer": c} for c in (1, 2, 1)])
    assert [(job.key, job.key_number) for job in jobs] == [
        ("customer-1", 1),
        ("customer-2", 1),
        ("customer-1", 0),
    ]
    assert jobs == list(Job.objects.order_by("pk"))


def test_a_retry_waits_for_the_key_again(claimant):
    first = launch("sturdy", concurrency=key())
    [held] = claim(claimant, room=1)
    cancel(first.pk)
    finish(claimant, held, ended(Verdict.STOPPED), room=0)
    second = launch("sturdy", concurrency=key())
    retry(first.pk)
    assert numbers(first, second) == [0, 1]
    assert step_of(first, "first").waiting == 1
    end(claimant, second)
    assert numbers(first) == [1]
    assert drive(claimant, first).status == "succeeded"


def test_a_retry_gets_a_free_key_at_once(claimant):
    job = launch("sturdy", concurrency=key())
    cancel(job.pk)
    retry(job.pk, "first")
    assert numbers(job) == [1]
    assert drive(claimant, job).status == "cancelled"  # the rest is not retried


def test_a_cancelled_job_leaves_the_line(claimant):
    holder, second, third = (launch("sturdy", concurrency=key()) for _ in range(3))
    cancel(second.pk)
    cancel(holder.pk)
    assert numbers(third) == [1]


def test_the_sweep_hands_over_what_a_deleted_job_has_held(claimant):
    holder, second = (launch("sturdy", concurrency=key()) for _ in range(2))
    chore = Lines(claimant)
    chore.run([])
    assert numbers(second) == [0]
    holder.delete()
    chore.run([])
    assert numbers(second) == [1]
    assert not chore.is_idle
    chore.run([])
    assert chore.is_idle


def test_all_lines_are_found_in_parts(claimant):
    for name in "abcab":
        launch("sturdy", concurrency=key(name=name))
    launch("sturdy", concurrency=key(name="c"))
    assert lines_behind("", 2) == [("a", False), ("b", False)]
    assert lines_behind("b", 2) == [("c", False)]
    assert lines_behind("c", 2) == []


@pytest.mark.sqlite  # for PostgreSQL see database/test_plans.py
def test_the_look_at_all_lines_reads_no_other_jobs(database):
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {lines._LINES}", ["", 10])
        plan = [detail for *_, detail in cursor.fetchall()]
    used = [line.split(" INDEX ")[1].split()[0] for line in plan if "SEARCH" in line]
    assert used == ["job_in_line", "job_in_line", "job_key_number_once"]


def test_the_database_refuses_one_holder_too_many(claimant):
    _, second = (launch("sturdy", concurrency=key()) for _ in range(2))
    state = JobState.load(second.pk)
    with pytest.raises(Collision):
        commit(state, lambda batch: batch.obtain_key(1), gives_way=True)
    assert state.job.key_number == 0


def test_a_key_changes_hands_only_with_a_journal_entry(claimant):
    _, second = (launch("sturdy", concurrency=key()) for _ in range(2))
    for change in ({"key_number": 2}, {"key": "another"}):
        with pytest.raises(IntegrityError, match="gets its key only with"), transaction.atomic():
            Job.objects.filter(pk=second.pk).update(**change)


def test_audit_finds_a_key_that_the_journal_did_not_give(database):
    _, second = (launch("sturdy", concurrency=key()) for _ in range(2))
    drop_trigger("truestep_job_key", "truestep_job")
    try:
        Job.objects.filter(pk=second.pk).update(key_number=2)
        assert list(audit.differences()) == [
            f"job {second.pk}: key_number is 2, at_most 1",
            f"job {second.pk}: key_number is 2, by the journal it waits for its key",
        ]
        Job.objects.filter(pk=second.pk).update(key_number=0)
    finally:
        triggers.install()


def test_two_processes_that_hand_over_at_the_same_moment_give_each_key_once(claimant, monkeypatch):
    for turn in range(8):
        name = f"key-{turn}"
        jobs = [launch("sturdy", concurrency=key(at_most=2, name=name)) for _ in range(6)]
        with monkeypatch.context() as nobody_gives:
            nobody_gives.setattr("jobs.orchestrator.lines.hand_over", lambda key: None)
            cancel(jobs[0].pk)
            cancel(jobs[1].pk)
        in_threads(*[lambda name=name: hand_over(name)] * 3)
        assert numbers(*jobs[2:]) == [1, 2, 0, 0]


def test_a_job_whose_definition_has_a_key_waits_in_the_callers_transaction(claimant):
    holder = launch("per_customer", {"customer": 7})
    with transaction.atomic():
        waiting = launch("per_customer", {"customer": 7})
        with pytest.raises(KeyHeld):
            launch("sturdy", concurrency=key(when_held="refuse"))
        free = launch("per_customer", {"customer": 8})
    assert numbers(holder, waiting, free) == [1, 0, 1]


@pytest.mark.slow
def test_never_more_jobs_run_than_may(tmp_path, worker):
    with program("worker", "--slots", "3"):
        check_rooms(tmp_path)


def check_rooms(tmp_path):
    params = [
        {"rooms": str(tmp_path), "room": f"room-{at_most}", "at_most": at_most}
        for at_most in (1, 2, 3)
    ]
    jobs = launch_many("crowded", params * 15)
    for job in jobs:
        assert finished(job, 60).status == "succeeded", error_of(job, "enter")


# --- what people see ------------------------------------------------------------------------------


def said_about(job, name="first"):
    return read_workers(job.pk)["waits"].get(str(step_of(job, name).pk))


def test_a_waiting_step_says_who_holds_the_key_and_how_many_are_before_it(claimant):
    holder, second, third = (launch("sturdy", concurrency=key()) for _ in range(3))
    link = {"to": f"/jobs/{holder.pk}/", "text": f"job {holder.pk}"}
    since = {"at": rfc3339(holder.key_since)}
    assert said_about(holder) is None
    head = ["waits for the key customer-7, held by ", link, " since ", since]
    assert said_about(second) == head
    assert said_about(third) == [*head, "; 1 job is before it"]
    assert said_about(third, "second") is None  # it needs the first one
    assert said_about(third, "beside") == [*head, "; 1 job is before it"]
    assert plain(said_about(second)).startswith(
        f"waits for the key customer-7, held by job {holder.pk} since "
    )


def test_several_holders_are_counted(claimant):
    *_, waiting = (launch("sturdy", concurrency=key(at_most=3)) for _ in range(4))
    assert plain(said_about(waiting)).endswith(" and by 2 other jobs")


def test_the_tree_shows_what_the_page_shows(claimant, capsys):
    holder, waiting = (launch("sturdy", concurrency=key()) for _ in range(2))
    call_command("show", waiting.pk)
    shown = " ".join(capsys.readouterr().out.split())
    assert f"waits for the key customer-7, held by job {holder.pk}" in shown


def test_a_page_shows_the_key_before_it_is_live(claimant, ada):
    _, waiting = (launch("sturdy", concurrency=key(name="<b>")) for _ in range(2))
    page = ada.get(f"/jobs/{waiting.pk}/").content.decode()
    assert page.count('data-waits="worker">waits for the key &lt;b&gt;</p>') == 2
    assert "launched; waits for the key &lt;b&gt;" in page


def test_the_launch_page_links_to_the_job_that_holds_the_key(claimant, ada):
    sent = {"gate": "x", "when_held": "refuse"}
    holder = launch("one_at_a_time", sent)
    page = ada.post("/launch/one_at_a_time/", sent)
    assert page.status_code == 409
    html = page.content.decode()
    assert f'<a href="/jobs/{holder.pk}/">job {holder.pk}</a> holds the key the {{gate}}' in html
    assert Job.objects.count() == 1


def test_the_command_says_who_holds_the_key(claimant):
    holder = launch("one_at_a_time", {"gate": "x"})
    with pytest.raises(CommandError, match=f"job {holder.pk} holds the key") as refused:
        call_command("launch", "one_at_a_time", "--gate", "x", "--when-held", "refuse", "--detach")
    assert refused.value.returncode == 4


@pytest.mark.parametrize("when_held", ["refuse", "join", "queue"])
def test_of_launches_at_the_same_moment_one_gets_the_key(database, when_held):
    def do(name):
        return lambda: launch("sturdy", concurrency=key(name=name, when_held=when_held))

    for turn in range(50):
        name = f"key-{turn}"
        found = in_threads(*[do(name)] * 3)
        [holder] = Job.objects.filter(key=name, key_number=1)
        waiting = Job.objects.filter(key=name, key_number=0).count()
        refused = [each for each in found if isinstance(each, KeyHeld)]
        assert {each.job_id for each in refused} <= {holder.pk}
        assert len(refused) == (2 if when_held == "refuse" else 0), found
        assert waiting == (2 if when_held == "queue" else 0), found
        assert found.count(holder) == (3 if when_held == "join" else 1), found


@pytest.mark.parametrize(
    "wrong", [{"key": ""}, {"key": "a\0"}, {"key": "x" * 201}, {"at_most": 0}, {"when_held": "no"}]
)
def test_bad_values_are_refused_with_the_reason(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Concurrency(**{"key": "a", **wrong})
