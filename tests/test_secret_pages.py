"""Secret parameters on pages: asked for, never shown, not even by an error."""

from __future__ import annotations

import json
import logging
import re
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import override_settings
from django.utils.log import AdminEmailHandler

from jobs import keys, orchestrator
from jobs.exceptions import KeyHeld
from jobs.models import Intent, Job
from jobs.orchestrator import cancel, launch
from jobs.statuses import Verdict
from tests.support import drive, ended, job_of
from tests.support.rows import admin_url
from tests.support.stored import where

pytestmark = pytest.mark.either

TOKEN = "plain-token-xyzzy"
SAYS = "Secret: kept encrypted until the job ends, then deleted;"


def control(page, name="token"):
    """The control of that name, as HTML."""
    [found] = re.findall(rf'<input type="password" name="{name}"[^>]*>', page)
    return found


def failed(claimant, token=TOKEN):
    job = launch("secret_steps", {"token": token})
    return drive(claimant, job, lambda claim: ended(Verdict.FAILED))


def test_the_form_says_what_becomes_of_a_secret(ada):
    page = ada.get("/launch/secretive/").text
    assert page.count(SAYS) == 2
    assert "Of the user of the deployment. Secret:" in page
    assert "fewer than 6 characters" in page
    assert 'autocomplete="off"' in control(page)


def test_a_secret_is_on_no_page(ada, claimant):
    sent = {"token": TOKEN, "pin": "xyzzy", "host": "example.com", "gate": ""}
    response = ada.post("/launch/secretive/", sent)
    job = Job.objects.get()
    assert response.url == f"/jobs/{job.pk}/"
    shown = StringIO()
    call_command("show", str(job.pk), "--json", stdout=shown)
    assert json.loads(shown.getvalue().splitlines()[0])["job"]["params"] == {
        **{"host": "example.com", "token": "***", "pin": "***", "gate": ""},
    }
    call_command("show", str(job.pk), stdout=shown)
    assert "token: ***" in shown.getvalue()
    pages = [response.url, "/jobs/", admin_url(Job), admin_url(Job, f"{job.pk}/change/")]
    texts = [ada.get(path).text for path in pages]
    assert "<dd>***</dd>" in texts[0]
    assert "token: ***" in texts[3]
    assert job.sealed not in "".join([*texts, shown.getvalue()])
    assert "xyzzy" not in "".join([*texts, shown.getvalue()])
    assert where("xyzzy") == []


@pytest.mark.parametrize("token", ["wrong-xyzzy", "refused-xyzzy"])
def test_a_form_that_is_shown_again_does_not_have_the_secret(ada, database, token):
    page = ada.post("/launch/secret_rules/", {"token": token}).text
    assert re.search(r"\*\*\* is (wrong|refused)\.", page)
    assert "xyzzy" not in page.lower()
    assert "value=" not in control(page)


def test_a_form_of_an_outdated_page_does_not_have_the_secret(admin_user, client, database):
    client.handler.enforce_csrf_checks = True
    client.force_login(admin_user)
    response = client.post("/launch/secret_rules/", {"token": "wrong-xyzzy"})
    assert response.status_code == 403
    assert "*** is wrong." in response.text
    assert "xyzzy" not in response.text


def test_a_held_key_does_not_bring_the_secret_back(ada, database, monkeypatch):
    def held(*args, **options):
        raise KeyHeld("length-16", 7)

    monkeypatch.setattr(orchestrator, "launch", held)
    page = ada.post("/launch/secret_rules/", {"token": TOKEN})
    assert page.status_code == 409
    assert "holds the key length-16" in page.text
    assert "xyzzy" not in page.text


@pytest.mark.parametrize("token", ["broken-xyzzy", "crash-xyzzy", "keyed-xyzzy"])
def test_no_report_of_an_error_shows_the_secret(ada, database, caplog, mailoutbox, token):
    ada.raise_request_exception = False
    log = logging.getLogger("django.request")
    with override_settings(DEBUG=True):
        page = ada.post("/launch/secret_rules/", {"token": token})
    assert page.status_code == 500
    assert "Traceback" in page.text
    with override_settings(ADMINS=[("Ada", "ada@example.com")]):
        log.addHandler(handler := AdminEmailHandler(include_html=True))
        try:
            assert ada.post("/launch/secret_rules/", {"token": token}).status_code == 500
        finally:
            log.removeHandler(handler)
    texts = [page.text, caplog.text]
    for mail in mailoutbox:
        texts += [mail.body, *(str(part.content) for part in mail.alternatives)]
    assert any("<html" in text for text in texts[2:])
    assert all("launch/secret_rules" in text for text in texts)
    assert not [text for text in texts if "xyzzy" in text.lower()]


def test_an_intent_does_not_have_the_secret(ada, database, monkeypatch):
    intents = []
    once = orchestrator.launching.intents.once
    monkeypatch.setattr(
        orchestrator.launching.intents,
        "once",
        lambda intent, *rest: intents.append(intent) or once(intent, *rest),
    )
    key = re.search(rf'name="{keys.KEY}" value="([^"]+)"', ada.get("/launch/secret_digest/").text)[
        1
    ]
    for token in (TOKEN, TOKEN, "another-xyzzy"):
        ada.post("/launch/secret_digest/", {"token": token, "host": "", keys.KEY: key})
        ada.post("/launch/secret_digest/", {"token": token, "host": "a", keys.KEY: key})
    assert Job.objects.count() == Intent.objects.count() == 2
    assert len(set(intents)) == 4
    assert "xyzzy" not in "".join(intents)


# --- again ----------------------------------------------------------------------------------------


def test_launch_again_asks_for_secrets(ada, claimant):
    old = failed(claimant)
    path = f"/launch/secret_steps/?again={old.pk}"
    page = ada.get(path).text
    assert "value=" not in control(page)
    assert "cannot be filled in: token: it is secret, and was not kept." in page
    page = ada.post(path, {"token": "", "gate": ""}).text
    assert "This field is required." in page
    assert Job.objects.count() == 1
    ada.post(path, {"token": "another-xyzzy", "gate": ""})
    new = Job.objects.latest("pk")
    assert new.again_of == old
    assert new.sealed
    cancel(new.pk)


def test_a_retry_from_the_page_says_what_to_do(ada, claimant):
    job = failed(claimant)
    for sent in ({}, {"step": "fails"}):
        page = ada.post(f"/jobs/{job.pk}/retry/", sent, follow=True).text
        assert "the secret parameters of this job were deleted when it ended" in page
        assert "“Launch again” asks for them." in page
    assert job_of(job.pk).status == "failed"
    assert "its secret parameters were deleted when it ended: it cannot be retried" in page


def test_a_retry_from_the_admin_says_what_to_do(ada, claimant):
    job = failed(claimant)
    sent = {"action": "retry", "_selected_action": [job.pk]}
    page = ada.post(admin_url(Job), sent, follow=True).text
    assert f"Nothing to retry in job {job.pk}: its secret parameters were deleted" in page
    assert "launch it again, and enter them" in page
    assert job_of(job.pk).status == "failed"
