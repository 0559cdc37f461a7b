"""``manage.py launch NAME [--field value …]``: run a job and watch it to its end."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

from django.core.management.base import CommandError, CommandParser, SystemCheckError

from ... import conf, database, definitions, journal, orchestrator, workers
from ...engines.base import WorkerProcess, get_engine
from ...exceptions import DatabaseBusy, InvalidParams, KeyHeld, NotReady, UnknownDefinition
from ...models import Job
from ...queues import served_queues
from ...system import heap
from ..follow import Follower, LineFollower, TreeFollower
from ..interrupts import Interrupts
from ..options import (
    BAD_PARAMS,
    Definition,
    add_options,
    names_of,
    option_of,
    read_secrets,
    texts_of,
)
from ..terminal import TerminalCommand, can_draw, console_of, who
from ..watching import KILLED, Watch, follow

CANNOT_RUN = 4
LOCK_SECONDS = 1.0  # that a write waits for a lock before the command says who holds it
FOLLOW_ALONE = "--follow ID watches an existing job: pass no name and no --detach."


class Command(TerminalCommand):
    help = (
        "Run a job and watch it. Live workers run it; without one, this command does. "
        "--follow ID watches an existing job. Without a name, list the definitions. "
        "Exit code: 0 succeeded, 1 failed, 2 bad name or parameters, 3 cancelled, 4 cannot run. "
        "Ctrl-C cancels the job; a second one kills its steps, or leaves them to the worker that "
        "runs them. Closing the terminal cancels the job if this command runs it; otherwise the "
        "job continues, and the exit code is 129."
    )

    definition: Definition | None = None

    def add_arguments(self, parser: CommandParser) -> None:
        parser.allow_abbrev = False
        parser.add_argument("--detach", action="store_true", help="Print only the id and return.")
        parser.add_argument("--json", action="store_true", help="Print the journal as JSON lines.")
        parser.add_argument("--follow", type=int, metavar="ID", help="Watch an existing job.")
        if self.definition:
            add_options(parser, self.definition)
        else:
            parser.add_argument(
                "--priority",
                type=_priority,
                metavar="N",
                help="-100 to 100; higher ones start first. It stands before NAME.",
            )
            parser.add_argument("definition", nargs="?", metavar="NAME")
            parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="--field value")

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except Job.DoesNotExist as error:
            gone = "The job is gone: it was deleted, or an older copy of the database restored."
            raise CommandError(gone, returncode=CANNOT_RUN) from error
        except database.DATABASE_ERRORS as error:
            raise CommandError(database.explain(error), returncode=CANNOT_RUN) from error
        except (SystemCheckError, NotReady, ConnectionError) as error:
            # The last one is raised when the fork server has ended.
            raise CommandError(str(error), returncode=CANNOT_RUN) from error

    @database.restoring_lock_timeout()
    def handle(self, *args: Any, **options: Any) -> None:
        if options["follow"] is not None:
            sys.exit(self._follow(options))
        if not options["definition"]:
            self._list()
            return
        given = self._parse_rest(options["definition"], options["rest"])
        if given["follow"] is not None:
            raise CommandError(FOLLOW_ALONE, returncode=BAD_PARAMS)
        journal.require_ready()
        self._read_secrets(given)
        database.set_lock_timeout(LOCK_SECONDS)
        if options["detach"] or given["detach"]:
            self.stdout.write(str(self._launch(given, options["priority"]).pk))
            return
        worker = None if self._has_worker() else self._worker()
        interrupts = Interrupts()  # before the launch: Ctrl-C never leaves a job behind
        job = self._launch(given, options["priority"], lambda: interrupts.count > 0)
        with closing(self._follower(job, options["json"] or given["json"])) as follower:
            sys.exit(Watch(job, worker, follower, interrupts).to_the_end())

    def _follow(self, options: dict[str, Any]) -> int:
        if options["definition"] or options["detach"]:
            raise CommandError(FOLLOW_ALONE, returncode=BAD_PARAMS)
        job = Job.objects.filter(pk=options["follow"]).first()
        if job is None:
            raise CommandError(f"There is no job {options['follow']}.", returncode=BAD_PARAMS)
        interrupts = Interrupts()
        with closing(self._follower(job, options["json"])) as follower:
            return follow(job, follower, interrupts)

    def _follower(self, job: Job, as_json: bool) -> Follower:
        if can_draw(self.stdout) and not as_json:
            heap.freeze()
            return TreeFollower(job.pk, console_of(self.stdout))
        return LineFollower(job.pk, self.stdout.write, self.stderr.write, as_json)

    def _list(self) -> None:
        for name, definition in definitions.registered().items():
            self.stdout.write(" ".join([name, *names_of(definition)]))
            if summary := definition.summary():
                self.stdout.write(f"    {summary}")

    def _parse_rest(self, name: str, rest: list[str]) -> dict[str, Any]:
        """The options after the name, among them those of the definition."""
        try:
            self.definition = definitions.get(name)
        except UnknownDefinition as error:
            raise CommandError(str(error), returncode=BAD_PARAMS) from error
        try:
            parser = self.create_parser("manage.py", f"launch {name}")
        except argparse.ArgumentError as error:  # of a field that the form adds when it is made
            clash = f"{name} has two options of one name: {error}. Rename the parameter."
            raise CommandError(clash, returncode=BAD_PARAMS) from error
        return vars(parser.parse_args(rest))

    def _read_secrets(self, given: dict[str, Any]) -> None:
        assert self.definition
        try:
            read_secrets(self.definition, given)
        except (KeyboardInterrupt, EOFError) as error:
            raise CommandError("Nothing was launched.", returncode=KILLED) from error

    def _has_worker(self) -> bool:
        """Whether live workers will run the job."""
        assert self.definition
        known = workers.KnownSteps(workers.living())
        return all(
            known.has(step.name, self.definition.name, step.queue, None)
            for step in self.definition.steps().values()
        )

    def _worker(self) -> WorkerProcess:
        knobs = conf.knobs()
        return get_engine().worker(knobs.slots, served_queues(knobs.queues))

    def _launch(
        self,
        given: dict[str, Any],
        priority: int | None,
        is_given_up: Callable[[], bool] = lambda: False,
    ) -> Job:
        """Waits as long as another process has locked the database, and names it."""
        holder = ""
        while True:
            try:
                return self._try_to_launch(given, priority)
            except DatabaseBusy as error:
                if is_given_up():
                    raise CommandError("Nothing was launched.", returncode=KILLED) from error
                if error.holder != holder:
                    holder = error.holder
                    self.stderr.write(f"The database is locked by {holder}. This command waits.")

    def _try_to_launch(self, given: dict[str, Any], priority: int | None) -> Job:
        assert self.definition
        texts = texts_of(self.definition, given)
        try:
            return orchestrator.launch(
                self.definition, texts, actor=who(), source="command", priority=priority
            )
        except KeyHeld as error:
            raise CommandError(str(error), returncode=CANNOT_RUN) from error
        except InvalidParams as error:
            problems = "\n".join(
                f"  {'' if field == '__all__' else f'{option_of(field)}: '}{' '.join(messages)}"
                for field, messages in error.errors.items()
            )
            raise CommandError(
                f"{error.definition} cannot be launched with these parameters.\n{problems}",
                returncode=BAD_PARAMS,
            ) from error


def _priority(text: str) -> int:
    """What ``--priority`` means. Raises ArgumentTypeError."""
    with suppress(ValueError):
        if definitions.is_priority(value := int(text)):
            return value
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from -100 to 100")
