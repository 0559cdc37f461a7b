"""Huey: a pipeline of tasks on SQLite. It keeps results only, and no history."""

from __future__ import annotations

import os

import durability
from huey import SqliteHuey

huey = SqliteHuey("peers", filename=os.environ["PEERS_FILE"], fsync=True)


@huey.task()
def step() -> int:
    return 1


@huey.task()
def another(before: int) -> int:
    return before + 1


@huey.task()
def tell() -> None:
    durability.tell(lambda statement: huey.storage.conn.execute(statement).fetchone()[0])


def prepare() -> None:
    """The tables are there since the file was opened."""


def launch(steps: int) -> None:
    pipeline = step.s()
    for _ in range(steps - 1):
        pipeline = pipeline.then(another)
    huey.enqueue(pipeline)


def finished() -> int:
    return huey.result_count()


def look() -> None:
    tell()
