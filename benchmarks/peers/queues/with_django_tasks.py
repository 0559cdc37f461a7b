"""django-tasks-db: a task that enqueues the next one."""

from __future__ import annotations

import django_ready  # noqa: F401
import durability
import in_django
from django_tasks import task

prepare = in_django.prepare


@task()
def step(left: int) -> None:
    if left > 1:
        step.enqueue(left - 1)


@task()
def tell() -> None:
    durability.tell(in_django.ask)


def launch(steps: int) -> None:
    step.enqueue(steps)


def finished() -> int:
    return in_django.ask(
        "SELECT count(*) FROM django_tasks_database_dbtaskresult WHERE status = 'SUCCESSFUL'"
    )


def look() -> None:
    tell.enqueue()
