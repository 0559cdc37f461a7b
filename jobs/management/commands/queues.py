"""``manage.py queues``: list the queues; pause one, resume it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from ... import database, journal, orchestrator
from ...exceptions import NotReady, UnknownQueue
from ...sight.fleet import QueueFacts, read_queues
from ..terminal import TerminalCommand, console_of, who
from ..tree import plain

ACTIONS = {"pause": orchestrator.pause_queue, "resume": orchestrator.resume_queue}


class Command(TerminalCommand):
    help = (
        "List the queues, or pause or resume one. Steps of a paused queue do not start; those that "
        "run go on. Exit code: 0, or 2 no such queue or the database cannot be used."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", nargs="?", choices=ACTIONS, help="Without one: list.")
        parser.add_argument("queue", nargs="?", metavar="NAME")
        parser.add_argument("--why", default="", help="A reason, which is kept and shown.")

    def handle(self, *args: Any, action: str, queue: str, why: str, **options: Any) -> None:
        if action and not queue:
            raise CommandError(f"queues {action}: name a queue.", returncode=2)
        try:
            if action:
                self._change(action, queue, why)
            else:
                self._list()
        except (NotReady, UnknownQueue) as error:
            raise CommandError(str(error), returncode=2) from error
        except database.DATABASE_ERRORS as error:
            raise CommandError(database.explain(error), returncode=2) from error

    def _change(self, action: str, queue: str, why: str) -> None:
        journal.require_ready()
        done = ACTIONS[action](queue, actor=who(), source="command", why=why)
        now = {"pause": "paused", "resume": "resumed"}[action]
        if not done:
            now = {"pause": "paused already", "resume": "not paused"}[action]
        self.stdout.write(f"The queue {queue} is {now}.")

    def _list(self) -> None:
        console = console_of(self.stdout)
        for queue in read_queues():
            console.print(_line(queue), highlight=False)


def _line(queue: QueueFacts) -> str:
    counts = f"{queue.ready_text} waiting, {queue.running} running"
    line = f"{queue.name}: {counts}, {queue.slots} slots of {queue.workers} workers"
    return f"{line}; {plain(queue.paused)}" if queue.paused else line
