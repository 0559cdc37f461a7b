"""``/metrics``: right, bounded, for who has the token alone, and it never goes backwards."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError
from django.utils import timezone

pytest.importorskip("prometheus_client", reason="the extra metrics")

from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse

from jobs import conf, definitions, metrics, news
from jobs.live import feeds
from jobs.logs import LogBook
from jobs.models import Attempt, Job, Step, Transition
from jobs.orchestrator import cancel, claim, finish, launch, pause_queue, retry
from jobs.orchestrator.endings import end_for_others, note_refused
from jobs.sight import flow, measures
from jobs.statuses import JOB_STATUSES, Status, Verdict
from tests.support import Cost, drive, ended, number_rows_from, returned

pytestmark = pytest.mark.either

TOKEN = "a-token-of-43-characters-or-so"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@pytest.fixture(autouse=True)
def _own(settings, monkeypatch):
    """A token, counters of this test alone, and entries that count as soon as they are there."""
    settings.TRUESTEP = {**settings.TRUESTEP, "metrics_token": TOKEN}
    monkeypatch.setattr(metrics, "_flow", flow.Flow())
    monkeypatch.setattr(measures, "_many", {})
    monkeypatch.setattr(flow, "SETTLED_SECONDS", 0.0)


def ask(client, token=TOKEN, **headers):
    return client.get("/metrics", headers={"Authorization": f"Bearer {token}", **headers})


def families(client):
    answer = ask(client)
    assert answer.status_code == 200, answer.text
    return {family.name: family for family in parse(answer.text)}


def samples(client):
    """Each value by its name and labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families(client).values()
        for sample in family.samples
    }


# --- what it says ---------------------------------------------------------------------------------


@pytest.mark.both
def test_jobs_and_steps_are_counted_by_definition_and_status(client, claimant):
    drive(claimant, launch("noop"))
    drive(claimant, launch("fails"), lambda held: ended(Verdict.FAILED))
    cancel(launch("noop").pk)
    launch("diamond")
    claim(claimant, room=1)
    launch("noop")
    found = samples(client)
    assert found["truestep_jobs", "noop", "succeeded"] == 1
    assert found["truestep_jobs", "noop", "cancelled"] == 1
    assert found["truestep_jobs", "noop", "pending"] == 1
    assert found["truestep_jobs", "fails", "failed"] == 1
    assert found["truestep_jobs", "diamond", "running"] == 1
    assert found["truestep_jobs", "diamond", "pending"] == 0
    assert found["truestep_steps", "diamond", "running"] == 1
    assert found["truestep_steps", "diamond", "pending"] == 3
    assert found["truestep_steps_ready", "noop"] == 1
    assert found["truestep_steps_ready", "diamond"] == 0
    assert found["truestep_oldest_ready_step_seconds",] > 0
    assert found["truestep_database_up",] == 1


@pytest.mark.both
def test_what_happens_is_counted_from_the_first_scrape_on(client, claimant):
    drive(claimant, launch("noop"))
    before = samples(client)
    ends = {key: value for key, value in before.items() if key[0].endswith("_ended_total")}
    assert ("truestep_jobs_ended_total", "noop", "succeeded") in ends
    assert before["truestep_attempt_run_seconds_count", "noop"] == 0
    assert set(ends.values()) == {0}
    drive(claimant, launch("noop"))
    drive(claimant, launch("fails"), lambda held: ended(Verdict.FAILED))
    after = samples(client)
    steps = len(definitions.get("noop").steps())
    assert after["truestep_jobs_launched_total", "noop"] == 1
    assert after["truestep_jobs_ended_total", "noop", "succeeded"] == 1
    assert after["truestep_jobs_ended_total", "fails", "failed"] == 1
    assert after["truestep_steps_ended_total", "noop", "succeeded"] == steps
    assert after["truestep_steps_ended_total", "fails", "skipped"] >= 1
    assert after["truestep_attempts_ended_total", "noop", "returned"] == steps
    assert after["truestep_attempts_ended_total", "fails", "failed"] >= 1
    assert after["truestep_attempt_run_seconds_count", "noop"] == steps
    assert after["truestep_attempt_queue_seconds_count", "noop"] == steps
    assert after["truestep_journal_entries_behind",] == 0


def at(monkeypatch, moment):
    monkeypatch.setattr("django.utils.timezone.now", lambda: moment)


def test_run_time_and_queue_wait_are_in_their_buckets(client, claimant, monkeypatch):
    samples(client)
    start = timezone.now()
    job = launch("noop")
    at(monkeypatch, start + timedelta(seconds=7))
    [first] = claim(claimant, room=1)  # after 7 s
    at(monkeypatch, start + timedelta(seconds=9))
    finish(claimant, first, returned(), room=0)  # ran for 2 s
    at(monkeypatch, start + timedelta(seconds=49))
    [second] = claim(claimant, room=1)  # 40 s after the step that it needs
    at(monkeypatch, start + timedelta(seconds=48))  # the clock is set back
    finish(claimant, second, returned(), room=0)
    found = samples(client)
    assert job.steps.count() >= 2

    def between(name, low, high):
        name = f"truestep_attempt_{name}_seconds_bucket"
        return found[name, "noop", high] - found[name, "noop", low]

    assert between("run", "1.0", "2.5") == 1
    assert found["truestep_attempt_run_seconds_bucket", "noop", "0.05"] == 1
    assert found["truestep_attempt_run_seconds_sum", "noop"] == pytest.approx(2, abs=0.01)
    assert between("queue", "5.0", "10.0") == 1
    assert between("queue", "30.0", "60.0") == 1
    assert found["truestep_attempt_queue_seconds_sum", "noop"] == pytest.approx(47, abs=0.1)


def test_a_later_attempt_is_no_queue_wait_and_a_persons_retry_begins_a_new_one(
    client, claimant, monkeypatch
):
    samples(client)
    start = timezone.now()
    job = launch("fails")
    drive(claimant, job, lambda held: ended(Verdict.FAILED))
    at(monkeypatch, start + timedelta(seconds=1000))
    retry(job.pk)
    at(monkeypatch, start + timedelta(seconds=1003))
    drive(claimant, job)
    found = samples(client)
    attempts = Attempt.objects.filter(step__job=job)
    assert found["truestep_attempt_run_seconds_count", "fails"] == attempts.count()
    firsts = attempts.filter(number=1)
    assert found["truestep_attempt_queue_seconds_count", "fails"] == firsts.count() > 1
    assert found["truestep_attempt_queue_seconds_sum", "fails"] < 3 * firsts.count()


def test_a_step_that_was_cancelled_before_it_ran_waits_from_its_retry_on(
    client, claimant, monkeypatch
):
    samples(client)
    job = launch("noop")
    start = timezone.now()
    cancel(job.pk)
    at(monkeypatch, start + timedelta(seconds=1000))
    retry(job.pk)
    at(monkeypatch, start + timedelta(seconds=1003))
    claim(claimant, room=1)
    found = samples(client)
    assert found["truestep_attempt_queue_seconds_sum", "noop"] == pytest.approx(3, abs=0.1)


def test_nothing_goes_backwards_when_rows_are_deleted(client, claimant):
    samples(client)
    jobs = [drive(claimant, launch("noop")) for _ in range(2)]
    before = samples(client)
    Job.objects.filter(pk=jobs[0].pk).delete()
    drive(claimant, launch("diamond"))
    after = samples(client)
    growing = [key for key in before if key[0].endswith(("_total", "_bucket", "_count", "_sum"))]
    assert growing
    assert all(after[key] >= before[key] for key in growing)
    assert after["truestep_jobs_ended_total", "noop", "succeeded"] == 2
    assert after["truestep_jobs", "noop", "succeeded"] == 1


@pytest.mark.both
def test_each_entry_is_counted_once_however_many_are_read_at_a_time(client, claimant, monkeypatch):
    launch("noop")
    samples(client)
    number_rows_from(Transition.objects.latest("pk").pk + 100_000)  # as if many were deleted
    for _ in range(3):
        drive(claimant, launch("diamond"))
    monkeypatch.setattr(flow, "MOST_READ", 7)
    behind = math.inf
    while behind:
        found = samples(client)
        assert 0 <= found["truestep_journal_entries_behind",] < behind
        behind = found["truestep_journal_entries_behind",]
    assert found["truestep_jobs_ended_total", "diamond", "succeeded"] == 3
    assert found["truestep_attempt_run_seconds_count", "diamond"] == 12
    assert samples(client)["truestep_attempt_run_seconds_count", "diamond"] == 12


@pytest.mark.both
def test_an_entry_counts_only_when_none_before_it_can_appear_any_more(
    client, claimant, monkeypatch
):
    now = 1000.0
    monkeypatch.setattr(flow.time, "monotonic", lambda: now)
    monkeypatch.setattr(flow, "SETTLED_SECONDS", 10.0)
    followed = flow.Flow()
    followed.look(str)
    launch("noop")
    for seconds, launched in ((1, 0), (5, 0), (11, 1)):
        now = 1000.0 + seconds
        followed.look(str)
        assert followed.launched["noop"] == launched
    launch("noop")
    followed.look(str)
    assert (followed.launched["noop"], followed.behind) == (1, 1)


def test_after_a_restore_it_goes_on_from_the_older_copy(client, claimant):
    for _ in range(3):
        launch("noop")
    followed = flow.Flow()
    followed.look(str)
    drive(claimant, launch("noop"))
    followed.look(str)
    before = followed.launched["noop"]
    Job.objects.order_by("-pk").first().delete()
    followed.look(str)
    launch("noop")  # on SQLite and PostgreSQL alike, numbers go on from the highest
    followed._counted = 10**15  # as if the copy had lower ones
    followed.look(str)
    launch("noop")
    followed.look(str)
    assert followed.launched["noop"] == before + 1


def test_each_queue_is_a_label_and_old_ones_are_other(client, claimant):
    launch("trains")
    old = launch("noop")
    Step.objects.filter(job=old).update(queue="of an old release")
    pause_queue("gpu")
    found = samples(client)
    of = {
        queue: [
            found[f"truestep_queue_{name}", queue]
            for name in ("steps_ready", "steps_running", "slots", "paused")
        ]
        for queue in ("default", "gpu")
    }
    slots = claimant.worker.slots
    assert of == {"default": [1, 0, slots, 0], "gpu": [3, 0, slots, 1]}
    claim(claimant, room=1)
    assert samples(client)["truestep_queue_steps_running", "default"] == 1
    assert found["truestep_queue_steps_ready", "other"] == 1
    assert not any("old release" in str(key) for key in found)


def test_workers_are_counted_and_the_oldest_heartbeat_told(client, claimant, monkeypatch):
    found = samples(client)
    assert found["truestep_workers",] == 1
    assert found["truestep_worker_slots",] == claimant.worker.slots
    assert 0 <= found["truestep_worker_heartbeat_age_seconds",] < 30
    at(monkeypatch, timezone.now() + timedelta(seconds=100))
    assert samples(client)["truestep_worker_heartbeat_age_seconds",] >= 100


def test_refused_late_writes_are_counted(client, claimant):
    samples(client)
    launch("noop")
    [held] = claim(claimant, room=1)
    lost = Attempt.objects.select_related("step", "worker").get(step=held.step_id)
    end_for_others([(lost, ended(Verdict.LOST))])
    note_refused(claimant, held)
    assert samples(client)["truestep_late_writes_refused_total",] == 1


async def test_pokes_that_fail_are_counted(monkeypatch):
    class Layer:
        async def group_send(self, group, message):
            raise OSError("away")

    monkeypatch.setattr(news, "get_channel_layer", Layer)
    before = news.FAILED.count
    await news._Publisher()._send(("jobs", {"type": "poke"}))
    assert news.FAILED.count == before + 1


def test_the_lag_of_feeds_is_a_histogram(client, database):
    before = samples(client)
    feeds.LAG.observe(0.02)
    after = samples(client)
    name = "truestep_feed_lag_seconds_bucket"
    changed = {key[1] for key in after if key[0] == name and after[key] != before[key]}
    assert changed == {"0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "+Inf"}


# --- bounds ---------------------------------------------------------------------------------------


def test_labels_have_registered_definitions_and_statuses_only(client, claimant):
    samples(client)
    odd = ['x"y', "a\nb", "\\", "{}", "é" * 100, "noop ", *(f"past{n}" for n in range(30))]
    jobs = [(drive(claimant, launch("noop")).pk, name) for name in odd]
    jobs += [(launch("diamond").pk, name) for name in odd]
    for pk, name in jobs:
        Job.objects.filter(pk=pk).update(definition=name)
    found = families(client)
    allowed = {
        "definition": {*definitions.registered(), "other"},
        "status": {*Status},
        "verdict": {*Verdict},
        "page": {"job", "list"},
        "queue": {*definitions.queues(), "other"},
    }
    seen = set()
    for family in found.values():
        for sample in family.samples:
            for label, value in sample.labels.items():
                seen.add(label)
                assert label == "le" or value in allowed[label], sample
    assert seen == {*allowed, "le"}
    values = samples(client)
    for pk, _ in jobs:  # for the audit
        ran = Job.objects.filter(pk=pk, status="succeeded").exists()
        Job.objects.filter(pk=pk).update(definition="noop" if ran else "diamond")
    assert values["truestep_jobs", "other", "succeeded"] == measures.MOST_OTHERS
    assert values["truestep_steps", "other", "pending"] == 4 * len(odd)
    assert values["truestep_jobs_ended_total", "other", "succeeded"] == len(odd)


def test_nothing_that_a_person_or_a_step_has_said_is_in_it(client, ada, claimant):
    samples(client)
    job = launch("chatters", {"lines": "7", "gate": "SECRET-param"}, actor="SECRET-user")
    [held] = claim(claimant, room=1)
    book = LogBook(held, 1000)
    book.add("SECRET-line")
    book.write()
    finish(claimant, held, ended(Verdict.FAILED, "SECRET-error"), room=0)
    for accept in ("", OPENMETRICS):
        text = ask(client, Accept=accept).text
        assert "chatters" in text
        for word in ("SECRET", TOKEN, "ada", str(job.uuid), claimant.worker.host):
            assert word not in text


def test_counting_stops_at_the_limit_and_that_is_remembered(client, database, monkeypatch):
    monkeypatch.setattr(measures, "MOST_COUNTED", 2)
    for _ in range(4):
        launch("noop")
    assert samples(client)["truestep_jobs", "noop", "pending"] == 3
    assert samples(client)["truestep_steps_ready", "noop"] == 3
    counting = "definition = 'noop' AND status = 'pending'"
    with Cost() as cost:
        samples(client)
    assert not [sql for sql in cost.statements if counting in sql]
    monkeypatch.setattr(measures, "BACKLOG_SECONDS", 0.0)
    with Cost() as cost:
        samples(client)
    assert [sql for sql in cost.statements if counting in sql]


@pytest.mark.both
def test_it_only_reads(client, claimant):
    samples(client)
    drive(claimant, launch("noop"))
    with Cost() as cost:
        samples(client)
    assert {sql.split()[0] for sql in cost.statements} <= {
        "SELECT",
        "WITH",
        "SET",
    }  # SET: a snapshot


# --- who may read it ------------------------------------------------------------------------------


def test_without_a_token_in_the_settings_there_is_no_such_page(client, database, settings):
    settings.TRUESTEP = {**settings.TRUESTEP, "metrics_token": ""}
    for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": "Bearer None"}):
        assert client.get("/metrics", headers=headers).status_code == 404


@pytest.mark.parametrize(
    "sent",
    ["", TOKEN, f"Basic {TOKEN}", "Bearer", "Bearer ", f"Bearer {TOKEN}x", "Bearer é", "Bearer \0"],
)
def test_without_the_token_it_is_refused(client, ada, database, sent):
    with Cost() as cost:
        answer = client.get("/metrics", headers={"Authorization": sent} if sent else {})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert "truestep_" not in answer.text
    assert cost.statements == []


def test_the_token_is_compared_in_constant_time(client, database, monkeypatch):
    compared = []

    def compare(one, other):
        compared.append({one, other})
        return False

    monkeypatch.setattr("jobs.views.monitoring.constant_time_compare", compare)
    assert ask(client).status_code == 401
    assert compared == [{TOKEN}]


@pytest.mark.parametrize("token", [b"bytes-secret", "with secret", "sécret", "secret\n", 7])
def test_a_token_that_could_not_be_sent_is_refused_and_not_shown(settings, token):
    settings.TRUESTEP = {"metrics_token": token}
    with pytest.raises(ImproperlyConfigured) as refused:
        conf.knobs()
    assert "TRUESTEP['metrics_token'] must be" in str(refused.value)
    assert str(token) not in str(refused.value)


def test_the_token_is_not_in_the_representation_of_the_settings():
    assert TOKEN not in repr(conf.knobs())


def test_it_is_asked_by_address(client, database, settings):
    settings.ALLOWED_HOSTS = ["shop.example"]
    settings.SECURE_SSL_REDIRECT = True
    assert ask(client, host="10.0.0.7:8000").status_code == 200


async def test_it_is_answered_in_an_asynchronous_server_too(async_client, database, settings):
    answer = await async_client.get("/metrics", headers={"Authorization": f"bearer {TOKEN}"})
    assert "truestep_workers 0.0" in answer.text


@pytest.mark.parametrize(
    ("token", "is_installed", "at_deploy", "found"),
    [
        (TOKEN, True, True, []),
        (TOKEN, False, False, ["truestep.W004"]),
        ("", True, False, []),
        ("", True, True, ["truestep.I001"]),
        ("", False, True, []),
    ],
)
def test_the_check_says_what_is_missing(
    settings, monkeypatch, token, is_installed, at_deploy, found
):
    settings.TRUESTEP = {**settings.TRUESTEP, "metrics_token": token}
    monkeypatch.setattr("jobs.checks._has_prometheus", lambda: is_installed)
    messages = run_checks(include_deployment_checks=at_deploy)
    assert [each.id for each in messages if "metrics" in each.msg] == found
    assert TOKEN not in str(messages)


# --- formats and failures -------------------------------------------------------------------------


def test_both_formats_can_be_parsed_and_say_the_same(client, claimant):
    samples(client)
    drive(claimant, launch("noop"))
    samples(client)
    plain = ask(client)
    assert plain.headers["Content-Type"].startswith("text/plain; version=")
    open_ = ask(client, Accept=OPENMETRICS)
    assert open_.headers["Content-Type"].startswith("application/openmetrics-text")
    names = [{family.name for family in parse(plain.text)}]
    names += [{family.name for family in parse_openmetrics(open_.text)}]
    assert names[0] == names[1]
    assert all(name.startswith("truestep_") for name in names[0])


def test_each_histogram_is_whole(client, claimant):
    samples(client)
    drive(claimant, launch("noop"))
    for family in families(client).values():
        if family.type != "histogram":
            continue
        for definition in {sample.labels.get("definition") for sample in family.samples}:
            its = [s for s in family.samples if s.labels.get("definition") == definition]
            buckets = [s.value for s in its if s.name.endswith("_bucket")]
            assert buckets == sorted(buckets)
            assert buckets[-1:] == [s.value for s in its if s.name.endswith("_count")]


def test_while_the_database_is_away_the_process_tells_of_itself(client, database, monkeypatch):
    def fail(names):
        raise OperationalError("no route to SECRET-host")

    monkeypatch.setattr(measures, "jobs", fail)
    found = samples(client)
    assert found["truestep_database_up",] == 0
    assert ("truestep_sockets", "job") in found
    assert ("truestep_workers",) not in found
    assert "SECRET" not in ask(client).text


def test_without_the_extra_it_says_what_to_install(client, database, monkeypatch):
    monkeypatch.delitem(__import__("sys").modules, "jobs.metrics")
    monkeypatch.setitem(__import__("sys").modules, "prometheus_client", None)
    answer = ask(client)
    assert answer.status_code == 501
    assert "pip install 'truestep[metrics]'" in answer.text


def test_jobs_of_each_status_are_there_from_the_start(client, database):
    found = samples(client)
    for status in JOB_STATUSES:
        assert found["truestep_jobs", "noop", str(status)] == 0
