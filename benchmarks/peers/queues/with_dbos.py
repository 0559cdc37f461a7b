"""DBOS: a workflow of steps, enqueued by a client. As a program, this is a worker."""

from __future__ import annotations

import os
import signal

import durability
import sqlalchemy
from dbos import DBOS, DBOSClient, DBOSConfig
from dbos._dbos import _get_dbos_instance  # nothing public leads to a worker's connections

ON_POSTGRESQL = os.environ["PEERS_DATABASE"] == "postgresql"
if ON_POSTGRESQL:  # the host and so on come from PGHOST …
    URL, SCHEMA = f"postgresql+psycopg:///{os.environ['PGDATABASE']}", "dbos."
else:
    URL, SCHEMA = f"sqlite:///{os.environ['PEERS_FILE']}", ""
QUEUE, VERSION = "peers", "1"
POLL_SECONDS = 0.02
FINISHED = (
    f"SELECT count(*) FROM {SCHEMA}operation_outputs JOIN {SCHEMA}workflow_status "
    "USING (workflow_uuid) WHERE status = 'SUCCESS'"
)


@DBOS.step()
def step() -> None:
    pass


@DBOS.workflow()
def job(steps: int) -> None:
    for _ in range(steps):
        step()


@DBOS.workflow()
def tell() -> None:
    with _get_dbos_instance()._sys_db.engine.connect() as connection:
        durability.tell(lambda statement: connection.exec_driver_sql(statement).scalar())


def work() -> None:
    config: DBOSConfig = {
        "name": "peers",
        "system_database_url": URL,
        "executor_id": str(os.getpid()),
        "application_version": VERSION,
        "log_level": "WARNING",
    }
    DBOS(config=config)
    DBOS.launch()
    DBOS.register_queue(QUEUE, worker_concurrency=1, polling_interval_sec=POLL_SECONDS)
    signal.sigwait({signal.SIGTERM})
    DBOS.destroy()


def prepare() -> None:
    global client, connection
    connection = sqlalchemy.create_engine(URL, isolation_level="AUTOCOMMIT").connect()
    if not ON_POSTGRESQL:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")  # the file remembers it
    DBOS.migrate(URL)
    client = DBOSClient(system_database_url=URL)


def launch(steps: int) -> None:
    _enqueue("job", steps)


def finished() -> int:
    return connection.exec_driver_sql(FINISHED).scalar_one()


def look() -> None:
    _enqueue("tell")


def _enqueue(workflow: str, *arguments: int) -> None:
    client.enqueue(
        {"workflow_name": workflow, "queue_name": QUEUE, "app_version": VERSION}, *arguments
    )


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # before there are threads
    work()
