"""Truestep: a job of steps, with the settings of this repository's project."""

from __future__ import annotations

import django_ready  # noqa: F401
import in_django

from jobs import launch as launch_job

CHAINS = {1: "one_step", 5: "five_steps"}
prepare = in_django.prepare


def launch(steps: int) -> None:
    launch_job(CHAINS[steps])


def finished() -> int:
    return in_django.ask("SELECT count(*) FROM truestep_step WHERE status = 'succeeded'")


def look() -> None:
    launch_job("tell")
