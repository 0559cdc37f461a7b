"""Logs as JSON: one object a line, with the ids of what it is about."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from jobs.jsonlog import JsonFormatter
from jobs.models import Attempt
from jobs.orchestrator import launch
from jobs.orchestrator.endings import end_for_others
from jobs.statuses import Verdict
from tests.support import ended, finished, program, running, wait_for


def logged(message, *args, **more):
    """What is written of a record."""
    record = logging.LogRecord("shop", logging.WARNING, __file__, 1, message, args, **more)
    record.created = 1767225599.9996
    return record


def read(record):
    line = JsonFormatter().format(record)
    assert "\n" not in line
    return json.loads(line)


def test_a_record_is_one_object():
    assert read(logged("%s of\n%s", 2, "three ✔", exc_info=None)) == {
        "time": "2025-12-31T23:59:59.999Z",
        "level": "warning",
        "logger": "shop",
        "message": "2 of\nthree ✔",
    }


def test_an_exception_is_in_it_with_its_traceback():
    try:
        raise ValueError("no\nluck")
    except ValueError:
        found = read(logged("It broke", exc_info=sys.exc_info()))
    assert found["exception"].startswith("Traceback (most recent call last)")
    assert found["exception"].endswith("ValueError: no\nluck")


def test_the_ids_of_an_attempt_are_in_it():
    record = logged("Attempt", exc_info=None)
    vars(record).update({"job": 7, "step": 12, "attempt": 2, "password": "secret"})
    found = read(record)
    assert (found["job"], found["step"], found["attempt"]) == (7, 12, 2)
    assert "password" not in found


@pytest.mark.parametrize("text", ["\udcff", "\0\x1b[31m", "\u2028", '"}', b"\xff"])
def test_any_text_is_valid_json(text):
    assert read(logged("%s", text, exc_info=None))["message"] == str(text)


@pytest.mark.both
def test_a_worker_says_which_attempt_it_is_about(database, tmp_path):
    settings = {"DJANGO_SETTINGS_MODULE": "tests.faults.json_log_settings"}
    with program("worker", env=settings) as worker:
        job = launch("patient", {"gate": str(tmp_path / "gate")})
        step = running(job, "wait")
        lost = Attempt.objects.select_related("step", "worker").get(step=step)
        end_for_others([(lost, ended(Verdict.LOST))])
        (tmp_path / "gate").touch()
        finished(job)
        line = wait_for(lambda: next((e for e in worker.errors if "taken over" in e), None))
    found = json.loads(line)
    assert found["message"] == "Attempt 1 of wait was taken over."
    assert found["logger"] == "truestep.slots.recording"
    assert (found["job"], found["step"], found["attempt"]) == (job.pk, step.pk, 1)
    assert all(json.loads(each) for each in worker.errors)
