"""Waiting for a condition with a deadline, and running calls side by side."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from django.db import connection

T = TypeVar("T")
ROOT = Path(__file__).resolve().parent.parent.parent


def wait_for(condition: Callable[[], T], seconds: float = 30.0, what: str = "") -> T:
    """The first true answer of *condition*; fails after *seconds*.

    The default is long, since it only ends a test that hangs; a promised time is given explicitly.
    """
    deadline = time.monotonic() + seconds
    while True:
        if answer := condition():
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what or condition}")
        time.sleep(0.01)


def at_length(brief: Any, full: Any) -> list[Any]:
    """Two sizes of a test, as parameters: one for every run, and one for ``--full`` instead."""
    return [
        pytest.param(brief, marks=pytest.mark.brief),
        pytest.param(full, marks=pytest.mark.full),
    ]


def in_threads(*calls: Callable[[], Any]) -> list[Any]:
    """What each call returned or raised; each runs in its own thread and database connection."""
    answers: list[Any] = [None] * len(calls)

    def run(index: int) -> None:
        try:
            answers[index] = calls[index]()
        except Exception as error:
            answers[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[index]) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers
