"""Any bytes whatever go through log, error, parameter and result, alike on every database."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs import conf, logs
from jobs.exceptions import InvalidParams
from jobs.models import Attempt, Job
from jobs.orchestrator import launch
from jobs.text import clean, cut, visible
from tests.support import wait_for

# What cannot be stored or shown alike: controls but newline and tab, lone surrogates.
UNCLEAN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
STRINGS_A_JOB = 100
strings = st.lists(st.binary(max_size=60), min_size=STRINGS_A_JOB, max_size=STRINGS_A_JOB)


def as_text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def said(texts: list[str]) -> list[str]:
    """The log lines that ``run.log`` makes of the texts."""
    return [clean(line.removesuffix("\r")) for text in texts for line in text.split("\n")]


def printed(raw: bytes) -> list[str]:
    """The log lines that such output makes."""
    lines = raw.split(b"\n")
    if not lines[-1]:
        lines.pop()  # it ended with a whole line
    return [clean(line.removesuffix(b"\r").decode(errors="replace")) for line in lines]


def echo(batch: list[bytes]) -> None:
    """Every one of them through a real worker, and back from the database as it should be."""
    raw = b"\n".join(batch)
    texts = [as_text(item) for item in batch]
    job = launch("echoes", {"texts": texts, "raw": raw.hex()})
    wait_for(lambda: Job.objects.get(pk=job.pk).is_finished, 30)
    job.refresh_from_db()
    assert job.params == {"texts": texts, "raw": [raw.hex()]}
    speak, complain = job.steps.order_by("position")
    read = logs.read(speak.pk, 1, 10**6)
    assert [visible(line.said) for line in read] == said(texts) + printed(raw)
    assert "".join(logs.text_of(speak.pk)) == "".join(line.text + "\n" for line in read)
    assert "".join(logs.text_of(speak.pk, raw=True)) == "".join(line.said + "\n" for line in read)
    lines = [line.text for line in read]
    result = Attempt.objects.get(step=speak).result
    assert result == {"texts": texts}
    failed = Attempt.objects.get(step=complain)
    assert failed.error == cut("ValueError: " + "\n".join(texts), conf.knobs().error_bytes)
    assert (speak.status, complain.status) == ("succeeded", "failed")
    for text in (*lines, failed.error, failed.traceback, speak.progress_text):
        assert not UNCLEAN.search(text)


def through_a_worker(examples: int):
    """A property of *examples* times a hundred strings."""
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )(given(strings)(lambda batch: echo(batch)))


@pytest.mark.slow
@pytest.mark.brief
def test_500_hostile_strings_are_shown_unharmed(worker):
    """NUL, ANSI, bidi, surrogates, binary: both databases keep and show the same."""
    through_a_worker(5)()


@pytest.mark.full
@pytest.mark.timeout(600)
def test_10_000_strings(worker):
    through_a_worker(100)()


@pytest.mark.parametrize("text", ["lone \ud800 surrogate", "\udcff"])
def test_a_parameter_that_is_not_text_is_refused_and_says_so(database, text):
    with pytest.raises(InvalidParams, match="This is not text"):
        launch("echoes", {"texts": [text]})
    assert not Job.objects.exists()
