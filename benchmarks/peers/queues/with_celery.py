"""Celery: a chain of tasks through Redis, whose states django-celery-results stores."""

from __future__ import annotations

import os

import django_ready  # noqa: F401
import durability
import in_django
from celery import Celery, chain

app = Celery("with_celery", broker=os.environ["REDIS_URL"])
app.conf.update(
    result_backend="django-db",
    result_extended=True,  # the name and arguments of a task, as a history needs
    task_track_started=True,
    broker_connection_retry_on_startup=True,
)
if "PEERS_TUNED" in os.environ:
    app.conf.update(CELERY_DB_REUSE_MAX=10**9)  # otherwise it reconnects around every task
prepare = in_django.prepare


@app.task
def step() -> None:
    pass


@app.task
def tell() -> None:
    durability.tell(in_django.ask)


def launch(steps: int) -> None:
    chain(step.si() for _ in range(steps)).apply_async()


def finished() -> int:
    return in_django.ask(
        "SELECT count(*) FROM django_celery_results_taskresult WHERE status = 'SUCCESS'"
    )


def look() -> None:
    tell.delay()
