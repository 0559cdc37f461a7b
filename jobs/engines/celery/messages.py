"""Tells Celery workers that there may be work.

One task, and its messages say only which queue to look at. They are sent by a thread, so a broker
that is slow or gone delays nobody; what could not be sent is not kept, because workers look at the
rows by themselves.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Collection
from typing import Any

from celery import current_app, shared_task
from kombu.connection import Connection

from ...news import FailureLog
from .queues import celery_queue

logger = logging.getLogger("truestep.engines.celery.messages")

TASK = "truestep.look"
PAUSE_SECONDS = 0.05  # between two messages about a queue: of many hints only the last is new
IDLE_SECONDS = 5.0  # until the thread ends and the connection is closed
FAILED_SECONDS = 1.0  # until the next try
ANSWER_SECONDS = 2.0  # for the broker to accept a connection, and for each answer
EXIT_SECONDS = 0.5  # that a process which ends waits for its last message


@shared_task(  # type: ignore[untyped-decorator]
    name=TASK, ignore_result=True, acks_late=False, Strategy=f"{__name__}:look_without_pool"
)
def look(queue: str) -> None:
    """There may be work in this queue. A worker that gets the message does not call this."""


def look_without_pool(task: Any, app: Any, consumer: Any) -> Any:
    """Celery's name for this is a strategy: what a worker does with each message of the task.

    The message is acknowledged at once and never goes to the pool, where it would wait behind long
    tasks.
    """
    from . import node  # only here: it loads much of Celery

    def on_message(message: Any, body: Any, ack: Any, reject: Any, callbacks: Any) -> None:
        ack(logger, consumer.connection_errors)
        node.wake()

    return on_message


def send(queues: Collection[str]) -> None:
    """Tell Celery workers that there may be work in these queues. Returns without waiting."""
    _sender.send(queues)


class _Sender:
    """Sends from a thread that ends when there has been nothing to send for a while."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: set[str] = set()
        self._is_sending = False
        self._thread: threading.Thread | None = None
        self._failures = FailureLog(
            "Celery's broker cannot be told of work",
            "Workers look for it by themselves every few seconds",
        )

    def send(self, queues: Collection[str]) -> None:
        with self._changed:
            self._waiting.update(queues)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="truestep-hints", daemon=True
                )
                self._thread.start()
            self._changed.notify_all()

    def flush(self) -> None:
        """Wait until what is waiting was sent or could not be, EXIT_SECONDS at most."""
        with self._changed:
            self._changed.wait_for(
                lambda: not (self._waiting or self._is_sending), timeout=EXIT_SECONDS
            )

    def _run(self) -> None:
        connection: Connection | None = None
        try:
            while queues := self._next():
                connection, pause = self._try_to_send(queues, connection)
                with self._changed:
                    self._is_sending = False
                    self._changed.notify_all()
                time.sleep(pause)
        finally:
            _close(connection)

    def _next(self) -> set[str]:
        """The queues to tell of; empty when this thread has to end."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting, timeout=IDLE_SECONDS):
                self._thread = None
                return set()
            queues, self._waiting = self._waiting, set()
            self._is_sending = True
            return queues

    def _try_to_send(
        self, queues: set[str], connection: Connection | None
    ) -> tuple[Connection | None, float]:
        """The connection for the next message, if it still works, and the pause before it."""
        try:
            connection = connection or _connection()
            for queue in queues:
                look.apply_async(
                    kwargs={"queue": queue},
                    queue=celery_queue(queue),
                    connection=connection,
                    retry=False,
                    ignore_result=True,
                )
        except Exception as error:
            self._failures.failed(error)
            _close(connection)
            return None, FAILED_SECONDS
        self._failures.succeeded()
        return connection, PAUSE_SECONDS


def _connection() -> Connection:
    """A connection to the broker on which nothing waits for long, over Redis or over AMQP."""
    names = ("socket_connect_timeout", "socket_timeout", "read_timeout", "write_timeout")
    options = dict.fromkeys(names, ANSWER_SECONDS)
    connection = current_app.connection_for_write(
        connect_timeout=ANSWER_SECONDS, transport_options=options
    )
    # Once: by itself it would try again after two seconds, and a process that ends waits for it.
    connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
    return connection


def _close(connection: Connection | None) -> None:
    if connection is not None:
        try:
            connection.release()
        except Exception as error:
            logger.debug("Closing the connection to the broker: %s", error)


def start_afresh() -> None:
    """Forget the thread, the connection and what waits: they are those of another process."""
    global _sender
    _sender = _Sender()


_sender: _Sender
start_afresh()
os.register_at_fork(after_in_child=start_afresh)  # a child has none of its parent's threads
atexit.register(lambda: _sender.flush())
