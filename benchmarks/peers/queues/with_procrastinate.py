"""procrastinate: a task that defers the next one."""

from __future__ import annotations

import durability
import procrastinate
import psycopg

# The connection comes from PGHOST and so on.
app = procrastinate.App(connector=procrastinate.PsycopgConnector())


@app.task(name="step")
async def step(left: int) -> None:
    if left > 1:
        await step.defer_async(left=left - 1)


@app.task(name="tell")
async def tell() -> None:
    connector = app.connector
    durability.tell_answers(
        {
            name: (await connector.execute_query_one_async(statement))["value"]
            for name, statement in durability.QUESTIONS.items()
        }
    )


def prepare() -> None:
    global connection
    app.open()
    app.schema_manager.apply_schema()
    connection = psycopg.connect(autocommit=True)


def launch(steps: int) -> None:
    step.defer(left=steps)


def finished() -> int:
    query = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'succeeded'"
    return connection.execute(query).fetchone()[0]


def look() -> None:
    tell.defer()
