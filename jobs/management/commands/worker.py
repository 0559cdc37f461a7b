"""``manage.py worker``: run steps until SIGTERM."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from ... import conf, database, definitions
from ...engines.base import get_engine
from ...exceptions import NotReady
from ...system import leash
from ..interrupts import StopSignals
from ..terminal import TerminalCommand


class Command(TerminalCommand):
    help = "Run steps until SIGTERM or Ctrl-C; a second one kills the running steps."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--slots",
            type=int,
            default=conf.knobs().slots,
            help="How many steps run at the same time.",
        )
        parser.add_argument(
            "--led",
            action="store_true",
            help="For a program that starts this one, as a Celery worker does: what it writes to "
            "standard input wakes the worker, and the end of that stops it.",
        )

    def handle(self, *args: Any, slots: int, led: bool, **options: Any) -> None:
        if slots < 1:
            raise CommandError(f"--slots {slots}: pass 1 or more.")
        worker = get_engine().worker(slots)

        def react(signals: int) -> None:
            worker.stop()
            if signals > 1:
                worker.kill()

        StopSignals(react)
        if led:
            leash.follow(worker.wake, react)
        known = ", ".join(definitions.registered()) or "nothing"
        self.stdout.write(f"Worker with {slots} slots. Knows: {known}.")
        try:
            worker.run()
        except NotReady as error:
            raise CommandError(str(error)) from error
        except database.DATABASE_ERRORS as error:  # only before it registered; later it retries
            raise CommandError(database.explain(error)) from error
