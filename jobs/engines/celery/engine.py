"""The engine that ``TRUESTEP["engine"] = "celery"`` names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.module_loading import import_string

from ... import conf, dispatch
from ...queues import Served
from ..base import Engine, WorkerProcess

try:
    from celery import current_app, signals
except ImportError as error:
    raise ImportError("Celery is not installed. Run: pip install 'truestep[celery]'") from error

from . import messages


class CeleryEngine(Engine):
    def worker(self, slots: int, queues: Served | None = None) -> WorkerProcess:
        """The same worker as elsewhere: a Celery worker starts it as a process of its own."""
        embedded: Engine = import_string(conf.ENGINES["embedded"])()
        return embedded.worker(slots, queues)

    def prepare(self) -> None:
        dispatch.send_with(messages.send)
        signals.worker_init.connect(_join_worker, weak=False, dispatch_uid=__name__)

    def problems(self) -> Iterator[str]:
        if not current_app.conf.broker_url:
            yield (
                "TRUESTEP['engine'] is 'celery', but no Celery app with a broker is loaded. Set "
                "its broker_url, and import the app in the __init__.py of your project, as "
                "Celery's documentation of Django says."
            )


def _join_worker(sender: Any, **kwargs: Any) -> None:
    """A Celery worker is being made: give it a worker of Truestep."""
    from .node import TruestepStep  # only here: it loads much of Celery

    sender.app.steps["worker"].add(TruestepStep)
