"""Secret parameters: sealed while the job runs, deleted with its end, and said nowhere."""

from __future__ import annotations

import json
import socket
import sys
import traceback
from contextlib import contextmanager, nullcontext, suppress
from datetime import timedelta
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.test import override_settings
from django.utils import timezone

from jobs import audit, definitions, sealing
from jobs.checks import check_definitions
from jobs.codes import Fact
from jobs.definitions.parameters import Secrets
from jobs.exceptions import InvalidParams, LostSecrets, SecretInError
from jobs.journal import JobState, LogTail, commit, writing
from jobs.models import Attempt, Job
from jobs.orchestrator import (
    Ended,
    cancel,
    claim,
    finish,
    finish_and_claim,
    give_up,
    launch,
    launch_many,
    retry,
)
from jobs.statuses import Verdict
from jobs.upkeep.deadlines import Deadlines
from tests.support import (
    drive,
    ended,
    error_of,
    finished,
    job_of,
    log_of,
    program,
    returned,
    running,
    statuses,
    step_of,
    verdicts,
    wait_for,
)
from tests.support.stored import where

TOKEN = 'tök\'n-"of"-xyzzy/+x'
PLAIN = "plain-token-xyzzy"


# --- where they are -------------------------------------------------------------------------------


@pytest.mark.parametrize("token", [TOKEN, PLAIN])
def test_a_secret_is_stored_nowhere_in_plain_text(worker, tmp_path, token):
    gate = tmp_path / "gate"
    job = launch("secretive", {"token": token, "pin": "1234", "gate": str(gate)})
    assert job_of(job.pk).sealed
    running(job, "say")
    wait_for(lambda: step_of(job, "say").done == 1, what="its progress")
    wait_for(lambda: step_of(job, "say").open_line == "open ***", what="its open line")
    assert where("example.com")  # the search finds what is there
    assert where("xyzzy") == []
    gate.touch()
    job = finished(job)
    assert statuses(job) == {"say": "succeeded", "fail": "failed"}
    assert job.sealed == ""
    assert where("xyzzy") == []
    said = log_of(job, "say")
    assert said[0] == "run.log ***"
    assert "print '***' \"***\" ***" in said or 'print *** "***" ***' in [
        line.replace("'***'", "***") for line in said
    ]
    assert "halves ***" in said
    assert "child ***" in said
    assert "ValueError: of ***" in said
    assert "pin 1234" in said  # too short to be hidden, as the form says
    assert error_of(job, "fail").startswith("RuntimeError: cannot log in with ***")
    attempt = Attempt.objects.get(step=step_of(job, "say"))
    assert attempt.result == {"token": "***", "length": len(token), "list": ["Bearer ***"]}
    assert step_of(job, "say").progress_text == "progress ***"
    assert "***" in Attempt.objects.get(step=step_of(job, "fail")).traceback


def test_a_secret_is_in_no_log_that_a_step_writes_elsewhere(worker, tmp_path):
    path = tmp_path / "log"
    job = finished(launch("secret_logs", {"token": TOKEN, "path": str(path)}))
    assert job.status == "succeeded"
    lines = list(map(json.loads, path.read_text().splitlines()))
    assert [line["message"] for line in lines] == ["with ***", "it broke"] * 2
    assert all("KeyError: '***'" in lines[at]["exception"] for at in (1, 3))


def test_nothing_that_goes_through_redis_has_a_secret(database, redis, tmp_path):
    gate = tmp_path / "gate"
    env = {"REDIS_URL": redis.url}
    with (
        listening(redis) as heard,
        program("serve", "--port", "0", env=env) as web,
    ):
        web.wait_for_line("Ready: ")
        job = launch("secretive", {"token": PLAIN, "gate": str(gate)})
        running(job, "say")
        gate.touch()
        finished(job)
        wait_for(lambda: b"asgi" in heard(), what="pokes")
        assert b"xyzzy" not in heard()
    assert redis.command("KEYS", "*xyzzy*") == []


@contextmanager
def listening(redis):
    """What all clients say to Redis meanwhile."""
    with socket.create_connection(("127.0.0.1", redis.port)) as connection:
        connection.sendall(b"MONITOR\r\n")
        connection.setblocking(False)
        heard = bytearray()

        def hear():
            with suppress(BlockingIOError):
                while data := connection.recv(2**16):
                    heard.extend(data)
            return bytes(heard)

        yield hear


def test_a_step_gets_what_the_form_understood(worker):
    job = finished(
        launch("secret_digest", {"token": PLAIN, "host": f"https://{PLAIN}@example.com"})
    )
    assert job.status == "succeeded"
    [[length, host]] = Attempt.objects.filter(step__job=job).values_list("result", flat=True)
    assert (length, host) == (len(PLAIN), "https://***@example.com")


def test_what_has_a_secret_in_it_is_secret_too(database):
    launch("secret_digest", {"token": PLAIN, "host": f"https://{PLAIN}@example.com"})
    assert where("xyzzy") == []
    job = Job.objects.get()
    assert job.params == {}
    assert job.understood == {
        "fields": {"host": {"$secret": None}, "token": {"$secret": None}},
        "added": {"header": {"$secret": None}},
        "read": {},
    }


def test_an_empty_secret_is_kept_as_it_is(claimant):
    job = launch("secretive", {"token": PLAIN})
    assert job.understood["fields"]["pin"] == ""
    assert job.understood["fields"]["host"] == "example.com"


# --- when they end --------------------------------------------------------------------------------


def end_all(claimant, job, verdict):
    drive(claimant, job, lambda claim: ended(verdict))


ENDS = {
    "succeeded": lambda claimant, job: drive(claimant, job),
    "failed": lambda claimant, job: end_all(claimant, job, Verdict.FAILED),
    "cancelled": lambda claimant, job: cancel(job.pk),
    "given up": lambda claimant, job: give_up(
        job.pk, {step.pk: Fact.text("nobody knows it") for step in job.steps.all()}
    ),
    "overdue": lambda claimant, job: sweep_later(claimant, 101),
    "rounds": lambda claimant, job: in_rounds(claimant),
}


def sweep_later(claimant, seconds):
    later = timezone.now() + timedelta(seconds=seconds)
    with patch.object(timezone, "now", lambda: later):
        Deadlines(claimant).run(held=())


def in_rounds(claimant):
    claims = claim(claimant, room=1)
    while claims:
        tails = [
            Ended(each, returned(), LogTail(claim=each, before=0, chunks=[])) for each in claims
        ]
        claims = finish_and_claim(claimant, tails, room=1)


@pytest.mark.parametrize("end", ENDS)
def test_secrets_are_deleted_with_the_end(claimant, end):
    job = launch("secret_steps", {"token": PLAIN})
    assert job_of(job.pk).sealed
    ENDS[end](claimant, job)
    job = job_of(job.pk)
    assert job.is_finished
    assert job.sealed == ""


def cancel_all(batch):
    batch.request_cancel()
    batch.cancel_pending()


def test_secrets_stay_when_the_end_was_not_written(claimant):
    job = launch("secret_digest", {"token": PLAIN})
    sealed = job_of(job.pk).sealed
    state = JobState.load(job.pk)
    for strikes in (True, False):
        refuses = patch.object(writing, "write", side_effect=OSError) if strikes else nullcontext()
        with refuses, pytest.raises(OSError) if strikes else nullcontext():
            commit(state, cancel_all)
        assert job_of(job.pk).sealed == state.job.sealed == (sealed if strikes else "")


def test_secrets_stay_until_the_last_retry(claimant):
    """A step that is retried, by itself or by a person, needs them again."""
    job = launch("secret_steps", {"token": PLAIN})
    fails, waits = claim(claimant, room=2)
    finish(claimant, fails, ended(Verdict.FAILED), room=0)
    assert retry(job.pk, "fails") == ["fails"]
    [again] = claim(claimant, room=1)
    finish(claimant, again, ended(Verdict.FAILED), room=0)
    finish(claimant, waits, ended(Verdict.HANDED_BACK), room=0)
    assert job_of(job.pk).sealed
    drive(claimant, job)
    assert job_of(job.pk).status == "failed"
    assert job_of(job.pk).sealed == ""


def test_audit_finds_secrets_that_have_outlived_their_job(claimant):
    job = launch("secret_digest", {"token": PLAIN})
    sealed = job_of(job.pk).sealed
    cancel(job.pk)
    Job.objects.filter(pk=job.pk).update(sealed=sealed)
    assert "its secret parameters are still there" in "\n".join(map(str, audit.differences()))
    Job.objects.filter(pk=job.pk).update(sealed="")


# --- retries and further launches -----------------------------------------------------------------


def test_an_ended_job_is_not_retried_without_its_secrets(claimant):
    job = launch("secret_steps", {"token": PLAIN})
    end_all(claimant, job, Verdict.FAILED)
    assert retry(job.pk) == retry(job.pk, "fails") == []
    assert job_of(job.pk).status == "failed"
    notes = job.journal.filter(code="note.retry_without_secrets")
    assert notes.count() == 2
    assert notes[0].reason == (
        "asked to retry; nothing to do, its secret parameters were deleted when it ended; launch "
        "it again, and enter them"
    )


def test_an_ended_job_without_secrets_is_retried(claimant):
    """Its form has a secret field, and nothing was entered there."""
    job = launch("secret_optional", {})
    end_all(claimant, job, Verdict.FAILED)
    assert retry(job.pk) == ["work"]
    cancel(job.pk)


# --- the key --------------------------------------------------------------------------------------

OLD_KEY, NEW_KEY = "o" * 50, "n" * 50


@pytest.mark.parametrize("fallbacks", [OLD_KEY, ""])
def test_a_job_that_waits_survives_a_new_key_with_its_old_one_as_fallback(database, fallbacks):
    with override_settings(SECRET_KEY=OLD_KEY):
        job = launch("secret_digest", {"token": PLAIN})
    env = {"SECRET_KEY": NEW_KEY, "SECRET_KEY_FALLBACKS": fallbacks}
    with program("worker", "--slots", "1", env=env):
        job = finished(job)
    if fallbacks:
        assert job.status == "succeeded"
        return
    assert job.status == "failed"
    assert job.sealed == ""
    assert verdicts(job, "check") == ["failed"]  # a retry would end the same way
    assert error_of(job, "check") == (
        "The secret parameters of the job cannot be decrypted: neither SECRET_KEY nor one of "
        "SECRET_KEY_FALLBACKS is the key of its launch. Launch the job again; that asks for them."
    )


def test_what_is_sealed_for_one_job_is_not_another_ones():
    mine, other = uuid4(), uuid4()
    sealed = sealing.seal({"secret": {"token": TOKEN}}, mine)
    assert sealing.unseal(sealed, mine) == {"secret": {"token": TOKEN}}
    with pytest.raises(LostSecrets, match="SECRET_KEY_FALLBACKS"):
        sealing.unseal(sealed, other)
    with pytest.raises(LostSecrets):
        sealing.unseal(sealed[:-4], mine)


def test_each_launch_is_sealed_differently(database):
    jobs = launch_many("secret_digest", [{"token": PLAIN}] * 2)
    assert len({job_of(job.pk).sealed for job in jobs}) == 2


def test_without_cryptography_it_says_what_to_install(claimant, monkeypatch):
    waits = launch("secret_digest", {"token": PLAIN})
    for name in ("cryptography", "cryptography.fernet"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InvalidParams, match=r"token: .* pip install 'truestep\[secrets\]'"):
        launch("secret_digest", {"token": PLAIN})
    assert launch("secret_optional", {}).pk
    [error] = check_definitions()
    assert error.id == "truestep.E004"
    assert "pip install 'truestep[secrets]'" in error.msg
    with pytest.raises(LostSecrets, match="cryptography is not installed"):
        sealing.unseal(job_of(waits.pk).sealed, waits.uuid)


# --- errors at launch -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "raised", "says"),
    [
        ("wrong-xyzzy", InvalidParams, "token: *** is wrong."),
        ("broken-xyzzy", SecretInError, "KeyError: '***'"),
        ("refused-xyzzy", InvalidParams, "__all__: *** is refused."),
        ("crash-xyzzy", SecretInError, "RuntimeError: ***"),
        ("keyed-xyzzy", ValueError, "The concurrency key of secret_rules has a secret parameter"),
    ],
)
def test_no_error_of_a_launch_says_the_secret(database, token, raised, says):
    with pytest.raises(raised) as error:
        launch("secret_rules", {"token": token}, why=f"with {token}")
    assert says in str(error.value)
    text = "".join(traceback.format_exception(error.value))
    assert "xyzzy" not in text.lower()
    assert Job.objects.count() == 0


def test_rules_get_the_secret_itself(claimant):
    job = launch("secret_rules", {"token": PLAIN}, why=f"with {PLAIN}", once="one")
    assert job.key == f"length-{len(PLAIN)}"
    assert job.journal.get().data["why"] == "with ***"
    assert where("xyzzy") == where("XYZZY") == []
    assert launch("secret_rules", {"token": PLAIN}, once="one") == job


def test_two_jobs_of_one_launch_have_their_own_secrets(worker):
    jobs = launch_many("secret_digest", [{"token": PLAIN}, {"token": f"{PLAIN}-2"}])
    assert [finished(job).status for job in jobs] == ["succeeded"] * 2
    lengths = [Attempt.objects.get(step__job=job).result[0] for job in jobs]
    assert lengths == [len(PLAIN), len(PLAIN) + 2]


def test_the_values_are_in_no_repr(database):
    understood = definitions.get("secret_digest").understand({"token": PLAIN})
    task = Secrets.of(understood.sealed)
    assert "xyzzy" not in repr(understood) + repr(task)
