"""``manage.py worker``: run steps until SIGTERM."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from typing import Any

from django.core.management.base import CommandError, CommandParser

from ... import conf, database, definitions
from ...engines.base import get_engine
from ...exceptions import NotReady
from ...queues import Served, as_text, served_queues
from ...system import leash
from .. import sources
from ..children import Alarm, Child, Reloading, add_reload, end
from ..interrupts import StopSignals
from ..terminal import TerminalCommand


def slots_for(served: Served) -> int:
    """As many as the queues may take together, if each has a limit; else ``TRUESTEP["slots"]``."""
    limits = [most for most in served.values() if most is not None]
    return sum(limits) if served and len(limits) == len(served) else conf.knobs().slots


class Command(TerminalCommand):
    help = "Run steps until SIGTERM or Ctrl-C; a second one kills the running steps."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--slots",
            type=int,
            help="How many steps run at the same time. Default: TRUESTEP['slots'], or as many as "
            "all queues together may take.",
        )
        parser.add_argument(
            "--queues",
            default=conf.knobs().queues,
            metavar="NAME[:SLOTS],…",
            help="The queues to serve, each with the most slots that its steps may take: "
            "gpu:2,default. Default: TRUESTEP['queues'], or every queue.",
        )
        parser.add_argument(
            "--led",
            action="store_true",
            help="For a program that starts this one, as a Celery worker does: what it writes to "
            "standard input wakes the worker, and the end of that stops it.",
        )

        add_reload(parser)

    def handle(
        self,
        *args: Any,
        slots: int | None,
        queues: str,
        led: bool,
        reload: bool,
        **options: Any,
    ) -> None:
        try:
            served = served_queues(queues)
        except ValueError as error:
            raise CommandError(f"--queues {queues}: {error}") from error
        if slots is None:
            slots = slots_for(served)
        if slots < 1:
            raise CommandError(f"--slots {slots}: pass 1 or more.")
        if reload:
            self._run_reloading(["--slots", str(slots), "--queues", queues])
            return
        worker = get_engine().worker(slots, served)

        def react(signals: int) -> None:
            worker.stop()
            if signals > 1:
                worker.kill()

        StopSignals(react)
        if led:
            leash.follow(worker.wake, react)
        known = ", ".join(definitions.registered()) or "nothing"
        its = f"for the queues {as_text(served)}" if served else "for every queue"
        self.stdout.write(f"Worker with {slots} slots {its}. Knows: {known}.")
        try:
            worker.run()
        except NotReady as error:
            raise CommandError(str(error)) from error
        except database.DATABASE_ERRORS as error:  # only before it registered; later it retries
            raise CommandError(database.explain(error)) from error

    def _run_reloading(self, options: list[str]) -> None:
        """Run the worker in a process of its own, which has each version of the code afresh."""
        command = [sys.executable, os.path.abspath(sys.argv[0]), "worker", *options]
        signals, children = StopSignals(), [Child("worker", command)]
        reloading = Reloading(children, signals)
        with closing(Alarm()) as alarm:
            try:
                while not signals.count:
                    reloading.reload(self.stdout.write)
                    children[0].keep_running(self.stderr.write)
                    alarm.wait(min(sources.LOOK_SECONDS, children[0].seconds_to_start()))
            finally:
                end(children, is_urgent=lambda: signals.count > 1)
