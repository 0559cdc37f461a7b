"""A form that is sent twice leads to the result of the first request, however the two arrive."""

from __future__ import annotations

import http.client
import re
import threading
import urllib.parse
from datetime import timedelta
from functools import partial

import pytest
from django.db import transaction
from django.utils import timezone

from jobs import intents, keys, orchestrator
from jobs.exceptions import InvalidParams
from jobs.models import Intent, Job
from jobs.orchestrator import launch
from jobs.statuses import Verdict
from tests.support import at_length, drive, ended, in_threads, job_of, rows

ADMIN = "/admin/truestep/job/"


@pytest.fixture
def failed(claimant):
    return drive(claimant, launch("fails"), lambda held: ended(Verdict.FAILED))


def key_on(client, path):
    """The key of the forms on a page."""
    return re.search(rf'name="{keys.KEY}" value="([^"]+)"', client.get(path).text)[1]


def values_in(text):
    """What the form of a page has in it, as a browser would send it."""
    return dict(re.findall(r'<input [^>]*name="([^"]+)"[^>]* value="([^"]*)"', text))


def requests_of(job):
    return job.journal.filter(kind__in=("request", "note")).count()


# --- one form -------------------------------------------------------------------------------------


def test_a_form_sent_twice_launches_one_job_and_both_lead_to_it(ada, database):
    sent = {"gate": "/gate", keys.KEY: key_on(ada, "/launch/waits/")}
    first, second = ada.post("/launch/waits/", sent), ada.post("/launch/waits/", sent)
    job = Job.objects.get()
    assert first.url == second.url == f"/jobs/{job.pk}/"
    assert job.params == {"gate": ["/gate"]}


def test_a_form_opened_a_second_time_launches_another_job(ada, database):
    for _ in range(2):
        ada.post("/launch/noop/", {keys.KEY: key_on(ada, "/launch/noop/")})
    assert Job.objects.count() == 2


def test_other_values_are_another_intent(ada, database):
    """Going back and correcting a value leads to a job with the correction."""
    key = key_on(ada, "/launch/waits/")
    for gate in ("/gate", "/other", "/gate"):
        ada.post("/launch/waits/", {"gate": gate, keys.KEY: key})
    assert [job.params["gate"] for job in Job.objects.order_by("pk")] == [["/gate"], ["/other"]]


def test_a_program_that_sends_no_key_is_obeyed_each_time(ada, database):
    for _ in range(2):
        ada.post("/launch/noop/")
    assert Job.objects.count() == 2
    assert not Intent.objects.exists()


def test_a_corrected_form_is_the_same_intent(ada, database):
    key = key_on(ada, "/launch/waits/")
    assert values_in(ada.post("/launch/waits/", {keys.KEY: key}).text)[keys.KEY] == key
    for _ in range(2):
        ada.post("/launch/waits/", {"gate": "/gate", keys.KEY: key})
    assert Job.objects.count() == 1


def test_what_would_be_refused_by_now_still_leads_to_its_job(ada, database, monkeypatch):
    sent = {keys.KEY: key_on(ada, "/launch/noop/")}
    first = ada.post("/launch/noop/", sent)
    with monkeypatch.context() as changed:
        changed.setattr("jobs.definitions.JobDefinition.authorize", refuse)
        assert ada.post("/launch/noop/", sent).url == first.url


@classmethod
def refuse(cls, *args, **kwargs):
    raise InvalidParams("noop", {"__all__": ["one is enough"]})


@pytest.mark.parametrize(
    ("action", "values"), [("cancel", {}), ("retry", {"why": "fixed"}), ("retry", {"step": "bad"})]
)
def test_a_cancel_or_retry_that_is_sent_twice_is_journaled_once(ada, failed, action, values):
    job = launch("noop") if action == "cancel" else failed
    path = f"/jobs/{job.pk}/{action}/"
    sent = values | {keys.KEY: key_on(ada, f"/jobs/{job.pk}/")}
    answers = [ada.post(path, sent, follow=True) for _ in range(2)]
    assert [answer.redirect_chain for answer in answers] == [[(f"/jobs/{job.pk}/", 302)]] * 2
    assert "Nothing to" not in answers[1].text
    assert requests_of(job) == 1


def test_what_came_too_late_says_so_twice_and_is_noted_once(ada, failed):
    sent = {keys.KEY: key_on(ada, f"/jobs/{failed.pk}/")}
    for _ in range(2):
        assert "Nothing to cancel" in ada.post(f"/jobs/{failed.pk}/cancel/", sent, follow=True).text
    assert failed.journal.filter(kind="note").count() == 1


@pytest.mark.parametrize("action", ["cancel", "retry"])
def test_an_action_of_the_admin_is_done_once_for_each_job(ada, failed, claimant, action):
    jobs = [
        launch("noop") if action == "cancel" else drive(claimant, launch("fails"), fail)
        for _ in range(2)
    ]
    sent = {"action": action, keys.KEY: key_on(ada, ADMIN)}
    one = sent | {"_selected_action": [jobs[0].pk]}
    both = sent | {"_selected_action": [job.pk for job in jobs]}
    words = f"{action.capitalize()} requested: job {jobs[0].pk}"
    for values in (one, one, both):
        assert words in ada.post(ADMIN, values, follow=True).text
    assert [requests_of(job) for job in jobs] == [1, 1]


def fail(held):
    return ended(Verdict.FAILED)


# --- a key that is not good -----------------------------------------------------------------------


def expired(key, monkeypatch):
    monkeypatch.setattr(keys, "GOOD_FOR", timedelta(seconds=-1))
    return key


def tampered(key, monkeypatch):
    return key[:-3] + "abc"


def of_somebody_else(key, monkeypatch):
    monkeypatch.setattr(keys, "_signer", lambda _: keys.TimestampSigner(salt="truestep.key:0"))
    return key


WRONG = pytest.mark.parametrize("spoil", [expired, tampered, of_somebody_else])


@WRONG
def test_a_launch_with_a_wrong_key_redisplays_the_form(ada, database, monkeypatch, spoil):
    key = key_on(ada, "/launch/waits/")
    with monkeypatch.context() as patched:
        answer = ada.post("/launch/waits/", {"gate": "/gate", keys.KEY: spoil(key, patched)})
        assert answer.status_code == 409
        assert "Nothing was done" in answer.text
        assert not Job.objects.exists()
    sent = values_in(ada.post("/launch/waits/", {"gate": "/gate", keys.KEY: "no key"}).text)
    assert sent["gate"] == "/gate"
    for _ in range(2):
        assert ada.post("/launch/waits/", sent).status_code == 302
    assert Job.objects.get().params == {"gate": ["/gate"]}


@WRONG
@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("/jobs/{job}/retry/", {"step": "bad", "why": "<b>fixed</b>"}),
        ("/jobs/{job}/cancel/", {}),
        (ADMIN, {"action": "retry", "_selected_action": "{job}"}),
    ],
)
def test_other_requests_with_a_wrong_key_can_be_resent(
    ada, failed, monkeypatch, spoil, path, values
):
    path = path.format(job=failed.pk)
    values = {name: value.format(job=failed.pk) for name, value in values.items()}
    key = key_on(ada, f"/jobs/{failed.pk}/")
    before = rows()
    with monkeypatch.context() as patched:
        refused = ada.post(path, values | {keys.KEY: spoil(key, patched)})
    assert refused.status_code == 409
    assert "Nothing was done" in refused.text
    assert "<b>" not in refused.text
    assert rows() == before
    sent = values_in(ada.post(path, values | {keys.KEY: "no key"}).text)
    assert {name: sent[name].replace("&lt;", "<").replace("&gt;", ">") for name in values} == values
    assert ada.post(path, values | {keys.KEY: sent[keys.KEY]}).status_code == 302
    assert requests_of(failed) == 1


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("/launch/waits/", {"gate": "/gate"}),
        ("/jobs/{job}/retry/", {"step": "bad", "why": "fixed"}),
        ("/jobs/{job}/cancel/", {}),
        (ADMIN, {"action": "retry", "_selected_action": "{job}"}),
    ],
)
@pytest.mark.parametrize("cookie", [None, "another"])
def test_a_form_from_an_earlier_login_is_redisplayed_with_its_values(
    ada, failed, path, values, cookie
):
    path = path.format(job=failed.pk)
    values = {name: value.format(job=failed.pk) for name, value in values.items()}
    ada.handler.enforce_csrf_checks = True
    key = key_on(ada, f"/jobs/{failed.pk}/")
    old = {"csrfmiddlewaretoken": ada.cookies["csrftoken"].value, keys.KEY: key}
    del ada.cookies["csrftoken"]
    if cookie:
        ada.cookies["csrftoken"] = cookie.ljust(32, "x")
    before = rows()
    refused = ada.post(path, values | old)
    assert refused.status_code == 403
    assert "Nothing was done" in refused.text
    assert rows() == before
    sent = values_in(refused.text)
    assert values.items() <= sent.items()
    assert sent[keys.KEY] == key
    assert ada.post(path, values | {"csrfmiddlewaretoken": sent["csrfmiddlewaretoken"]}).url


def test_a_form_from_another_site_is_not_redisplayed(ada, database):
    ada.handler.enforce_csrf_checks = True
    origin = {"Origin": "https://evil.example"}
    answer = ada.post("/launch/waits/", {"gate": "/gate"}, headers=origin)
    assert answer.status_code == 403
    assert "/gate" not in answer.text
    assert "CSRF_TRUSTED_ORIGINS" in answer.text


def test_the_form_is_hidden_without_the_launch_permission(login, database):
    client = login("view_job")
    client.handler.enforce_csrf_checks = True
    answer = client.post("/launch/waits/", {"gate": "/gate"})
    assert (answer.status_code, "/gate" in answer.text) == (403, False)


# --- rows -----------------------------------------------------------------------------------------


def test_old_intents_make_room(database, monkeypatch):
    for number in range(30):
        launch("noop", once=f"old {number}")
    Intent.objects.update(at=timezone.now() - intents.KEPT_FOR - timedelta(seconds=1))
    counts = []
    for number in range(5):
        launch("noop", once=f"new {number}")
        counts.append(Intent.objects.count())
    assert counts == [21, 12, 3, 4, 5]


def test_an_intent_is_kept_for_longer_than_its_key_is_good():
    assert intents.KEPT_FOR > keys.GOOD_FOR


def test_inside_a_transaction_the_intent_shares_its_fate(database):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        launch("noop", once="mine")
        raise ZeroDivisionError
    assert not Intent.objects.exists()
    with transaction.atomic():
        first = launch("noop", once="mine")
        assert launch("noop", once="mine") == first
    assert launch("noop", once="mine") == first
    assert Job.objects.get() == first


def test_a_deleted_job_is_not_launched_again_by_its_form(ada, database):
    sent = {keys.KEY: key_on(ada, "/launch/noop/")}
    ada.post("/launch/noop/", sent)
    Job.objects.all().delete()
    assert ada.post("/launch/noop/", sent).status_code == 404
    assert not Job.objects.exists()


# --- at the same moment ---------------------------------------------------------------------------


@pytest.mark.parametrize("writers", [2, 6])
def test_of_threads_that_ask_for_the_same_one_does_it(claimant, writers):
    job = drive(claimant, launch("fails"), fail)
    for number in range(5):
        born = in_threads(*[partial(launch, "noop", once=f"launch {number}")] * writers)
        assert len({each.pk for each in born}) == 1
        ask = partial(orchestrator.cancel, born[0].pk, once=f"cancel {number}")
        assert in_threads(*[ask] * writers) == [True] * writers
        assert requests_of(born[0]) == 1
        ask = partial(orchestrator.retry, job.pk, once=f"retry {number}")
        taken_back = in_threads(*[ask] * writers)
        assert taken_back == [taken_back[0]] * writers != [[]] * writers
        drive(claimant, job_of(job.pk), fail)
    assert requests_of(job) == 5


class Site:
    """Two web processes; each form is sent to both of them at once."""

    def __init__(self, client, urls):
        self.client = client
        self._sites = [urllib.parse.urlsplit(url) for url in urls]
        self._cookies = "; ".join(f"{name}={it.value}" for name, it in client.cookies.items())

    def send_twice(self, path, values):
        """Status and place, below the site, to which both answers lead."""
        token = {"csrfmiddlewaretoken": self.client.cookies["csrftoken"].value}
        body = urllib.parse.urlencode(values | token, doseq=True)
        door = threading.Barrier(2)
        return in_threads(*(partial(self._send, site, path, body, door) for site in self._sites))

    def _send(self, site, path, body, door):
        connection = http.client.HTTPConnection(site.netloc, timeout=60)
        connection.connect()
        door.wait(10)
        headers = {
            "Cookie": self._cookies,
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": f"http://{site.netloc}",
        }
        connection.request("POST", site.path + path, body, headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status, answer.headers["Location"].removeprefix(site.path)


@pytest.fixture
def two_processes(ada, serving):
    ada.get("/")
    with serving("--no-worker") as one, serving("--no-worker") as other:
        yield Site(ada, [one.url, other.url])


@pytest.mark.slow
@pytest.mark.parametrize("times", at_length(5, 50))
def test_simultaneous_requests_in_two_processes_are_one_intent(two_processes, claimant, times):
    client = two_processes.client
    failed = drive(claimant, launch("fails"), fail)
    for number in range(1, times + 1):
        both = two_processes.send_twice(
            "/launch/noop/", {keys.KEY: key_on(client, "/launch/noop/")}
        )
        job = Job.objects.latest("pk")
        assert Job.objects.count() == number + 1
        assert both == [(302, f"/jobs/{job.pk}/")] * 2
        in_admin = number % 2 == 0  # here and there in turns
        for action, about in (("cancel", job), ("retry", failed)):
            if in_admin:
                path, values = ADMIN, {"action": action, "_selected_action": about.pk}
            else:
                path, values = f"/jobs/{about.pk}/{action}/", {}
            page = ADMIN if in_admin else f"/jobs/{about.pk}/"
            both = two_processes.send_twice(path, values | {keys.KEY: key_on(client, page)})
            assert both == [(302, page)] * 2
        assert requests_of(job) == 1
        assert requests_of(failed) == number
        drive(claimant, job_of(failed.pk), fail)
