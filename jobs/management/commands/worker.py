"""``manage.py worker``: run steps until told to stop."""

from __future__ import annotations

import signal
from typing import Any

from django.core.management.base import CommandError, CommandParser

from ... import conf, database, definitions
from ...engines.base import get_engine
from ...exceptions import NotReady
from ..terminal import TerminalCommand, on_hangup


class Command(TerminalCommand):
    help = "Run steps of jobs until SIGTERM or Ctrl-C; a second one kills the steps at once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--slots", type=int, default=conf.knobs().slots, help="Steps to run side by side."
        )

    def handle(self, *args: Any, slots: int, **options: Any) -> None:
        if slots < 1:
            raise CommandError(f"--slots {slots}: give a number from 1 on.")
        worker = get_engine().worker(slots)
        signals = 0

        def stop(*_: Any) -> None:
            nonlocal signals
            signals += 1
            worker.stop()
            if signals > 1:
                worker.kill()

        def hang_up() -> None:
            if not signals:  # it often comes together with SIGTERM
                stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        on_hangup(hang_up)
        known = ", ".join(definitions.registered()) or "nothing"
        self.stdout.write(f"Worker with {slots} slots. Knows: {known}.")
        try:
            worker.run()
        except NotReady as error:
            raise CommandError(str(error)) from error
        except database.DATABASE_ERRORS as error:  # before it has signed on; later it tries again
            raise CommandError(database.explain(error)) from error
