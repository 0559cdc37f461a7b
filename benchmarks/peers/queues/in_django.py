"""What the queues that run in a Django project share."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.db import connection


def prepare() -> None:
    call_command("migrate", verbosity=0)


def ask(statement: str) -> Any:
    """The only value that the statement returns, on this process's connection."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]
