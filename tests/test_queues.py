"""Which steps a worker takes: by queue, pause and priority."""

from __future__ import annotations

import re
from collections import Counter
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction

from jobs import audit, workers
from jobs.database import triggers
from jobs.exceptions import UnknownQueue
from jobs.journal import read_requests
from jobs.models import Job, Order, Queue, Worker, ready_steps
from jobs.orchestrator import (
    Claimant,
    claim,
    finish,
    launch,
    launch_many,
    order_worker,
    pause_queue,
    resume_queue,
)
from jobs.queues import as_text, served_queues
from jobs.sight.waiting import read_workers
from jobs.statuses import Wanted
from jobs.upkeep.unknown_steps import UnknownSteps
from tests.support import (
    drive,
    finished,
    job_of,
    register_worker,
    returned,
    running,
    statuses,
    step_of,
    wait_for,
)


@pytest.fixture
def serving(database):
    """A function that registers a worker for the queues of a text such as ``gpu:2,default``."""

    def register(text, slots=4, **options):
        return register_worker(slots=slots, queues=served_queues(text), **options)[1]

    return register


def names(claims):
    return [held.name for held in claims]


def waits(job, name):
    """What the page says about a pending step."""
    said, step = read_workers(job.pk), step_of(job, name)
    words = said["waits"].get(str(step.pk)) or said["ready"][step.queue]
    return "".join(word if isinstance(word, str) else word["at"] for word in words)


# --- which queues a worker serves -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "served"),
    [
        ("", {}),
        ("gpu", {"gpu": None}),
        (" gpu:2 , default,", {"gpu": 2, "default": None}),
    ],
)
def test_the_queues_that_a_worker_serves_are_read_from_a_text(text, served):
    assert served_queues(text) == served
    assert served_queues(as_text(served)) == served


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gpu:0", "a whole number of slots from 1 on must follow the colon"),
        ("gpu:two", "a whole number of slots from 1 on must follow the colon"),
        ("gpu:", "a whole number of slots from 1 on must follow the colon"),
        ("gpu,gpu:1", "The queue gpu is named twice"),
        ("a b", "'a b' cannot be the name of a queue"),
        (":2", "'' cannot be the name of a queue"),
    ],
)
def test_other_texts_are_refused_with_the_part_that_is_wrong(text, words):
    with pytest.raises(ValueError, match=r"queue|colon") as caught:
        served_queues(text)
    assert words in str(caught.value)
    with pytest.raises(CommandError) as refused:
        call_command("worker", queues=text)
    assert str(refused.value) == f"--queues {text}: {caught.value}"


def test_a_step_runs_only_where_its_queue_is_served(serving):
    job = launch("mixed")
    default, gpu = serving("default"), serving("gpu")
    assert claim(gpu, room=4) == []
    [held] = claim(default, room=4)
    assert finish(default, held, returned(), room=4) == []  # train is for others
    [held] = claim(gpu, room=4)
    assert finish(gpu, held, returned(), room=4) == []
    assert names(claim(default, room=4)) == ["report"]
    assert statuses(job) == {"prepare": "succeeded", "train": "succeeded", "report": "running"}


def test_a_worker_without_queues_serves_every_queue(claimant):
    assert drive(claimant, launch("mixed")).status == "succeeded"


def test_the_steps_of_a_queue_take_no_more_slots_than_the_worker_gives_it(serving):
    launch("trains")
    worker = serving("gpu:2,default")
    taken = []
    worker.taken = lambda: Counter(held.queue for held in taken)
    taken += claim(worker, room=4)
    assert sorted(names(taken)) == ["first", "other", "second"]
    assert claim(worker, room=1) == []
    assert names(finish(worker, taken[0], returned(), room=2)) == ["third"]


def test_a_backlog_of_another_queue_costs_a_look_nothing(serving, claimant):
    launch_many("trains", [{}] * 30)
    job = launch("urgent")
    ready = ready_steps(5, queues=["default"])
    assert len(ready.steps) == 5
    assert {step.queue for step in ready.steps} == {"default"}
    assert ready.steps[0].job_id == job.pk


# --- priorities -----------------------------------------------------------------------------------


def test_the_highest_priority_starts_first_in_every_queue(claimant):
    low, middle = launch("noop", priority=-5), launch("mixed")
    high, first = launch("noop", priority=100), launch("urgent", priority=100)
    by_class = launch("urgent")
    order = [claim(claimant, room=1)[0].job_id for _ in range(5)]
    assert order == [high.pk, first.pk, by_class.pk, middle.pk, low.pk]
    assert Job.objects.get(pk=by_class.pk).priority == 10


@pytest.mark.parametrize("priority", [101, -101, 1.0, "5", True])
def test_a_priority_that_is_none_is_refused(database, priority):
    with pytest.raises(ValueError, match="must be a whole number from -100 to 100"):
        launch("noop", priority=priority)
    assert not Job.objects.exists()


def test_a_worker_for_one_job_finds_its_steps_whatever_their_priority(serving):
    launch("noop", priority=50)
    mine = launch("mixed", priority=-50)
    launch("noop", priority=-50)
    only = serving("", only_job=mine.pk)
    assert [held.job_id for held in claim(only, room=4)] == [mine.pk]
    assert claim(only, room=4) == []


# --- pauses ---------------------------------------------------------------------------------------


def test_no_step_of_a_paused_queue_starts_until_it_is_resumed(claimant):
    job = launch("mixed")
    [held] = claim(claimant, room=1)
    assert pause_queue("gpu", actor="anna", why="driver update")
    claimant.paused = {"gpu"}  # as the worker hears with the next commit
    assert finish(claimant, held, returned(), room=1) == []
    assert claim(claimant, room=1) == []
    assert names(claim(claimant, room=1)) == []
    assert resume_queue("gpu", actor="bert")
    assert names(claim(claimant, room=1)) == ["train"]
    assert [
        (order.number, order.code, order.actor, order.data) for order in Order.objects.all()
    ] == [
        (1, "queue.paused", "anna", {"queue": "gpu", "why": "driver update"}),
        (2, "queue.resumed", "bert", {"queue": "gpu"}),
    ]
    assert Order.objects.get(number=1).words == "paused the queue gpu: driver update"
    assert step_of(job, "train").status == "running"


def test_a_look_reads_the_paused_queues(claimant):
    launch("trains")
    pause_queue("gpu")
    assert names(claim(claimant, room=4)) == ["other"]
    assert claimant.paused == {"gpu"}
    resume_queue("gpu")
    assert names(claim(claimant, room=4)) == ["first", "second", "third"]


def test_only_the_first_of_two_requests_changes_a_queue(database):
    assert not resume_queue("gpu")
    assert pause_queue("gpu")
    assert not pause_queue("gpu")
    assert pause_queue("default", once="key")
    assert resume_queue("default")
    assert pause_queue("default", once="key")  # recalls what the first call did
    assert not Queue.objects.get(name="default").is_paused
    assert Order.objects.count() == 3


def test_a_queue_that_nothing_names_cannot_be_paused(database):
    with pytest.raises(UnknownQueue, match=r"There is no queue 'gpus': .* Queues: default, gpu"):
        pause_queue("gpus")
    assert not Order.objects.exists()


def test_the_database_refuses_a_pause_without_its_order(transactional_db):
    pause_queue("gpu")
    row = Queue.objects.get()
    for change in (
        lambda: Queue.objects.update(is_paused=False),
        lambda: Queue.objects.create(name="cpu", is_paused=True),
        lambda: Order.objects.update(actor="somebody else"),
    ):
        with pytest.raises(DatabaseError, match="truestep:"), transaction.atomic():
            change()
    row.refresh_from_db()
    assert row.is_paused


# --- why a step waits -----------------------------------------------------------------------------


def test_a_waiting_step_says_what_its_queue_means_for_it(serving, claimant):
    job = launch("trains")
    assert waits(job, "first") == "waits for a free slot"
    workers.mark_dead(claimant.worker)
    serving("default")
    assert waits(job, "first") == (
        "no running worker serves the queue gpu: start one with  "
        "python manage.py worker --queues gpu"
    )
    gpu = serving("gpu:1")
    claim(gpu, room=1)
    assert waits(job, "second") == "waits for a free slot: the queue gpu has 1, all taken"
    pause_queue("gpu", actor="anna", why="driver update")
    said = waits(job, "second")
    assert said.startswith("the queue gpu is paused since 20")
    assert said.endswith(" by anna: driver update")
    assert waits(job, "other") == "waits for a free slot"


def test_a_step_whose_queue_no_worker_serves_waits_and_does_not_fail(serving, settings):
    settings.TRUESTEP = settings.TRUESTEP | {"unknown_grace": 1e-9}
    job = launch("trains")
    stranger = serving("default", knows={"noop": ["one"]})
    chore = UnknownSteps(stranger)
    for _ in range(3):
        chore.run(held=())
    assert statuses(job) == dict.fromkeys(("first", "second", "third"), "pending") | {
        "other": "failed"
    }


def test_a_step_that_no_worker_of_its_queue_knows_fails(serving, settings):
    settings.TRUESTEP = settings.TRUESTEP | {"unknown_grace": 1e-9}
    job = launch("trains")
    serving("default")  # it knows the step, and never runs it
    chore = UnknownSteps(serving("gpu", knows={"noop": ["one"]}))
    for _ in range(3):
        chore.run(held=())
    assert statuses(job) == dict.fromkeys(("first", "second", "third"), "failed") | {
        "other": "pending"
    }
    assert job_of(job.pk).status == "pending"


def test_claimants_hear_of_pauses_together_with_cancels(claimant: Claimant):
    job = launch("noop")
    pause_queue("gpu")
    assert read_requests(claimant.worker.pk, {job.pk}, {1})[-2:] == ({"gpu"}, "work")


# --- orders by command, page and admin ------------------------------------------------------------


def run(*arguments, **options):
    output = StringIO()
    call_command("queues", *arguments, stdout=output, **options)
    return output.getvalue()


def test_the_command_lists_pauses_and_resumes_queues(serving):
    launch("trains")
    serving("gpu:2,default", slots=3)
    listed = run().splitlines()
    assert listed[:2] == [
        "default: 1 waiting, 0 running, 3 slots of 1 workers",
        "gpu: 3 waiting, 0 running, 2 slots of 1 workers",
    ]
    assert run("pause", "gpu", why="driver update") == "The queue gpu is paused.\n"
    assert run("pause", "gpu") == "The queue gpu is paused already.\n"
    assert re.search(r"; the queue gpu is paused since .* by \S+: driver update$", run(), re.M)
    assert run("resume", "gpu") == "The queue gpu is resumed.\n"
    assert run("resume", "gpu") == "The queue gpu is not paused.\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["pause"], "name a queue"), (["pause", "gpus"], "There is no queue 'gpus'")],
)
def test_the_command_says_what_is_wrong(database, arguments, words):
    with pytest.raises(CommandError, match=words) as refused:
        run(*arguments)
    assert refused.value.returncode == 2


def test_the_page_shows_queues_and_workers_and_takes_orders(claimant, admin_client, admin_user):
    launch("noop")
    [held] = claim(claimant, room=1)
    page = admin_client.get("/workers/").text
    assert f'id="worker-{claimant.worker.pk}"' in page
    assert f"of job {held.job_id}" in page
    for action, path in (
        ("queue.paused", "/queues/gpu/pause/"),
        ("worker.drained", f"/workers/{claimant.worker.pk}/drain/"),
        ("worker.resumed", f"/workers/{claimant.worker.pk}/resume/"),
        ("worker.stopped", f"/workers/{claimant.worker.pk}/stop/"),
    ):
        assert admin_client.post(path, {"why": "for a test"}).url == "/workers/"
        order = Order.objects.latest("number")
        assert (order.code, order.actor, order.source) == (action, str(admin_user), "page")
        assert order.data["why"] == "for a test"
    page = admin_client.get("/workers/").text
    assert 'data-state="paused"' in page
    assert 'data-state="stopping"' in page
    answer = admin_client.post("/queues/gpu/pause/", follow=True).text
    assert "Nothing to do: the queue gpu was so already." in answer
    assert admin_client.post("/queues/gpus/pause/").status_code == 404
    assert admin_client.post("/workers/999999/drain/").status_code == 404
    assert admin_client.post("/queues/gpu/burn/").status_code == 404


def test_an_order_is_given_once_however_often_its_form_is_sent(admin_client, database):
    page = admin_client.get("/workers/").text
    form = {"truestep-key": re.findall('name="truestep-key" value="([^"]+)"', page)[0]}
    assert admin_client.post("/queues/gpu/pause/", form).status_code == 302
    resume_queue("gpu")
    assert admin_client.post("/queues/gpu/pause/", form).status_code == 302
    assert not Queue.objects.get(name="gpu").is_paused


@pytest.mark.parametrize(
    ("action", "code"),
    [("drain", "worker.drained"), ("stop", "worker.stopped"), ("resume", None)],
)
def test_the_admin_orders_workers(claimant, admin_client, action, code):
    form = {"action": action, "_selected_action": [claimant.worker.pk]}
    answer = admin_client.post("/admin/truestep/worker/", form, follow=True).text
    assert (f"Nothing to do for {claimant.worker}" in answer) == (code is None)
    assert [order.code for order in Order.objects.all()] == [code] * (code is not None)


@pytest.mark.parametrize(("action", "is_paused"), [("pause", True), ("resume", False)])
def test_the_admin_orders_queues(database, admin_client, action, is_paused):
    for name in ("gpu", "default"):
        pause_queue(name)
        if is_paused:
            resume_queue(name)
    rows = list(Queue.objects.values_list("pk", flat=True))
    form = {"action": action, "_selected_action": rows}
    answer = admin_client.post("/admin/truestep/queue/", form, follow=True).text
    assert f"Ordered to {action}: queue gpu, queue default." in answer
    assert set(Queue.objects.values_list("is_paused", flat=True)) == {is_paused}


# --- a real worker --------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_worker_that_drains_ends_its_steps_and_starts_no_more(database, worker, tmp_path):
    gate = tmp_path / "gate"
    held = launch("waits", {"gate": str(gate)})
    running(held, "waiting")
    row = Worker.objects.get()
    assert order_worker(row.pk, Wanted.DRAIN, actor="anna")
    other = launch("noop")
    wait_for(lambda: waits(other, "one").startswith("every worker is drained"))
    gate.touch()
    wait_for(lambda: statuses(held)["waiting"] == "succeeded")
    assert set(statuses(other).values()) == {"pending"}
    assert order_worker(row.pk, Wanted.WORK)
    assert {finished(job).status for job in (held, other)} == {"succeeded"}
    assert order_worker(row.pk, Wanted.STOP)
    assert not order_worker(row.pk, Wanted.WORK)
    assert worker.wait() == 0
    assert Worker.objects.get().stopped_at


@pytest.mark.slow
def test_a_resumed_queue_starts_at_once_in_a_worker_that_sleeps(database, worker):
    pause_queue("gpu")
    job = launch("mixed")
    wait_for(lambda: statuses(job)["prepare"] == "succeeded")
    wait_for(lambda: "is paused" in waits(job, "train"))
    assert statuses(job)["train"] == "pending"
    resume_queue("gpu")
    assert finished(job, 4.0).status == "succeeded"  # before the worker looks without being told


# --- the audit ------------------------------------------------------------------------------------


def test_the_audit_replays_the_orders(transactional_db):
    _, claimant = register_worker()
    pause_queue("gpu")
    resume_queue("gpu")
    pause_queue("gpu")
    order_worker(claimant.worker.pk, Wanted.DRAIN)
    assert list(audit.differences()) == []
    triggers.remove()
    try:
        Queue.objects.filter(name="gpu").update(is_paused=False)
        assert list(audit.differences()) == [
            "the queue gpu is not paused, the last order about it says 'paused the queue gpu'"
        ]
        Queue.objects.filter(name="gpu").update(is_paused=True, order=1)
        assert list(audit.differences()) == [
            "the queue gpu names order 1, the last one about it is 3"
        ]
        Queue.objects.filter(name="gpu").update(order=3)
        Worker.objects.update(wanted="stop")
        assert list(audit.differences()) == [
            f"the worker {claimant.worker} is to stop, order 4 says otherwise"
        ]
        Worker.objects.update(wanted="drain", order=3)
        assert list(audit.differences()) == [
            f"the worker {claimant.worker} names order 3, not the last one about it"
        ]
        Worker.objects.update(order=4)
        Order.objects.filter(number=2).delete()
        numbering, *_ = audit.differences()
        assert numbering == "orders are numbered [1, 3, 4]… to [4], not 1 to 3"
    finally:
        triggers.install()


def test_the_page_says_since_when_a_worker_is_silent(claimant, admin_client, monkeypatch):
    monkeypatch.setattr(workers, "is_late", lambda worker: True)
    page = admin_client.get("/workers/").text
    assert 'data-state="silent"' in page
    assert "no heartbeat since <time" in page
