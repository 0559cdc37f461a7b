"""``manage.py launch NAME [--field value …]``: run a job and watch it to its end."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

from django.core.management.base import CommandError, CommandParser, SystemCheckError

from ... import (
    conf,
    database,
    definitions,
    orchestrator,
    workers,
)
from ...definitions.controls import Control, Kind, controls
from ...definitions.parameters import FromCommand
from ...engines.base import WorkerProcess, get_engine
from ...exceptions import DatabaseBusy, InvalidParams, NotReady, UnknownDefinition
from ...models import Job
from ...statuses import Status
from ...system import heap
from ...workers import inbox
from ..follow import PAUSE_SECONDS, Follower, LineFollower, TreeFollower
from ..terminal import TerminalCommand, can_draw, console_of, on_hangup, who

BAD_PARAMS, CANNOT_RUN, HUNG_UP, KILLED = 2, 4, 129, 130
EXIT_CODES = {Status.SUCCEEDED: 0, Status.FAILED: 1, Status.CANCELLED: 3}
WORKER_CHECK_SECONDS = 5.0
PATIENCE_SECONDS = 1.0  # for a lock, until the command says for whom it waits
_FOLLOW_ALONE = "--follow ID watches a job that is there already: give no name, no --detach."


class Command(TerminalCommand):
    help = (
        "Run a job and watch it. Living workers take it; without one this command is the worker. "
        "--follow ID watches a job that is there already. "
        "Without a name, list what can be launched. Exit code: 0 succeeded, 1 failed, 2 bad name "
        "or parameters, 3 cancelled, 4 cannot run. Ctrl-C cancels; a second one kills "
        "the steps, or leaves them to the worker that runs them. Closing the terminal cancels "
        "where this command is the worker; else the job goes on, and the exit code is 129."
    )

    definition: type[definitions.JobDefinition] | None = None

    def add_arguments(self, parser: CommandParser) -> None:
        parser.allow_abbrev = False
        parser.add_argument("--detach", action="store_true", help="Print only the id and return.")
        parser.add_argument("--json", action="store_true", help="Print the journal as JSON lines.")
        parser.add_argument("--follow", type=int, metavar="ID", help="Watch a job; launch none.")
        if self.definition:
            _add_fields(parser, self.definition)
        else:
            parser.add_argument("definition", nargs="?", metavar="NAME")
            parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="--field value")

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except SystemCheckError as error:
            raise CommandError(str(error), returncode=CANNOT_RUN) from error
        except NotReady as error:
            raise CommandError(str(error), returncode=CANNOT_RUN) from error
        except Job.DoesNotExist as error:
            gone = "The job is gone: it was deleted, or an older copy of the database restored."
            raise CommandError(gone, returncode=CANNOT_RUN) from error
        except ConnectionError as error:  # the fork server is gone
            raise CommandError(str(error), returncode=CANNOT_RUN) from error
        except database.DATABASE_ERRORS as error:
            raise CommandError(database.explain(error), returncode=CANNOT_RUN) from error

    @database.restoring_lock_timeout()
    def handle(self, *args: Any, **options: Any) -> None:
        if options["follow"] is not None:
            sys.exit(self._follow(options))
        if not options["definition"]:
            self._list()
            return
        given = self._parse_rest(options["definition"], options["rest"])
        if given["follow"] is not None:
            raise CommandError(_FOLLOW_ALONE, returncode=BAD_PARAMS)
        detach = options["detach"] or given["detach"]
        as_json = options["json"] or given["json"]
        database.require_ready()
        database.set_lock_timeout(PATIENCE_SECONDS)
        worker = None if detach or self._is_taken() else self._become_worker()
        if detach:
            self.stdout.write(str(self._launch(given).pk))
            return
        interrupts = _Interrupts()  # from before the launch: Ctrl-C never leaves a job behind
        job = self._launch(given, lambda: interrupts.count > 0)
        with closing(self._follower(job, as_json)) as follower:
            sys.exit(_Watch(job, worker, follower, interrupts).to_the_end())

    def _follow(self, options: dict[str, Any]) -> int:
        if options["definition"] or options["detach"]:
            raise CommandError(_FOLLOW_ALONE, returncode=BAD_PARAMS)
        job = Job.objects.filter(pk=options["follow"]).first()
        if job is None:
            raise CommandError(f"There is no job {options['follow']}.", returncode=BAD_PARAMS)
        interrupts = _Interrupts()
        with closing(self._follower(job, options["json"])) as follower:
            trouble = _OutageReport(follower)
            while not trouble.tells(follower.is_over):
                if interrupts.count:
                    follower.say(f"{job} goes on. To stop it, cancel it on its page.")
                    return KILLED
                if interrupts.has_hung_up:
                    return HUNG_UP
                time.sleep(PAUSE_SECONDS)
        return EXIT_CODES[follower.status]

    def _follower(self, job: Job, as_json: bool) -> Follower:
        if can_draw(self.stdout) and not as_json:
            heap.freeze()
            return TreeFollower(job.pk, console_of(self.stdout))
        return LineFollower(job.pk, self.stdout.write, self.stderr.write, as_json)

    def _list(self) -> None:
        for name, cls in definitions.registered().items():
            options = " ".join(f"--{_option(each.option)}" for each in controls(cls.form()))
            self.stdout.write(f"{name} {options}".rstrip())
            if summary := cls.summary():
                self.stdout.write(f"    {summary}")

    def _parse_rest(self, name: str, rest: list[str]) -> dict[str, Any]:
        try:
            self.definition = definitions.get(name)
        except UnknownDefinition as error:
            raise CommandError(str(error), returncode=BAD_PARAMS) from error
        try:
            parser = self.create_parser("manage.py", f"launch {name}")
        except argparse.ArgumentError as error:  # of a field that the form adds when it is made
            told = f"{name} has two options of one name: {error}. Rename the parameter."
            raise CommandError(told, returncode=BAD_PARAMS) from error
        return vars(parser.parse_args(rest))

    def _is_taken(self) -> bool:
        assert self.definition
        names = self.definition.steps()
        return any(
            worker.only_job_id is None and workers.knows_steps(worker, self.definition.name, names)
            for worker in workers.living()
        )

    def _become_worker(self) -> WorkerProcess:
        return get_engine().worker(conf.knobs().slots)

    def _launch(
        self, given: dict[str, Any], is_given_up: Callable[[], bool] = lambda: False
    ) -> Job:
        """Waits for as long as somebody has locked the database, and says who."""
        told = ""
        while True:
            try:
                return self._launch_now(given)
            except DatabaseBusy as error:
                if is_given_up():
                    raise CommandError("Nothing was launched.", returncode=KILLED) from error
                if error.holder != told:
                    told = error.holder
                    self.stderr.write(f"The database is locked by {told}. This command waits.")

    def _launch_now(self, given: dict[str, Any]) -> Job:
        assert self.definition
        texts = FromCommand(
            {
                control.name: _texts(control, value)
                for control in controls(self.definition.form())
                if (value := given[f"param_{control.option}"]) is not None
            }
        )
        try:
            return orchestrator.launch(self.definition, texts, actor=who(), source="command")
        except InvalidParams as error:
            told = "\n".join(
                f"  {'' if field == '__all__' else f'--{_option(field)}: '}{' '.join(texts)}"
                for field, texts in error.errors.items()
            )
            raise CommandError(
                f"{error.definition} cannot be launched with these parameters.\n{told}",
                returncode=BAD_PARAMS,
            ) from error


class _Interrupts:
    """How often Ctrl-C was pressed (or SIGTERM came), and whether the terminal was closed."""

    def __init__(self) -> None:
        self.count = 0
        self.has_hung_up = False
        on_hangup(self._hang_up)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)

    def _note(self, *_: Any) -> None:
        self.count += 1

    def _hang_up(self) -> None:
        self.has_hung_up = True  # the shell may pass the same hangup on: it is never a second one


class _OutageReport:
    """Goes on while the database cannot be used, and says so once."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self._is_on = False

    def tells(self, look: Callable[[], bool]) -> bool:
        """What *look* answers; False while it cannot look."""
        database.discard_broken_connection()
        try:
            answer = look()
        except database.DATABASE_ERRORS as error:
            if not self._is_on:
                self._follower.say(f"{database.explain(error)} This command waits.")
            self._is_on = True
            return False
        self._is_on = False
        return answer


class _Watch:
    """Follows one job, as its worker or beside other workers, and listens to Ctrl-C."""

    def __init__(
        self,
        job: Job,
        worker: WorkerProcess | None,
        follower: Follower,
        interrupts: _Interrupts,
    ) -> None:
        self._job = job
        self._worker = worker
        self._follower = follower
        self._interrupts = interrupts
        self._trouble = _OutageReport(follower)
        self._is_asked = self._cancelled = False
        self._next_check = time.monotonic() + WORKER_CHECK_SECONDS

    def to_the_end(self) -> int:
        """The exit code of the command."""
        if self._worker:
            self._worker.run(only_job=self._job.pk, until=self._is_over, every=PAUSE_SECONDS)
        else:
            while not self._is_over():
                time.sleep(PAUSE_SECONDS)
                self._trouble.tells(self._say_when_alone)
        if self._interrupts.count > 1:
            return KILLED
        if self._leaves:
            return HUNG_UP
        return EXIT_CODES[self._follower.status]

    def _is_over(self) -> bool:
        if self._is_to_cancel and not self._cancelled:
            if not self._is_asked:
                self._is_asked = True
                again = "kills at once" if self._worker else "leaves it to its worker"
                self._follower.say(f"Cancelling; Ctrl-C again {again}.")
            self._cancelled = self._trouble.tells(self._cancel)
        if self._interrupts.count > 1:
            if self._worker is None:
                if not self._cancelled:
                    self._follower.say("The cancel could not be written: the job goes on.")
                return True
            self._worker.kill()
        return self._leaves or self._trouble.tells(self._follower.is_over)

    @property
    def _is_to_cancel(self) -> bool:
        """Whether somebody asked to; a hangup does where nobody else would run the job."""
        return bool(self._interrupts.count or (self._worker and self._interrupts.has_hung_up))

    @property
    def _leaves(self) -> bool:
        """Whether the job goes on without this command, as the terminal was closed."""
        is_done = self._cancelled or not self._interrupts.count
        return self._worker is None and self._interrupts.has_hung_up and is_done

    def _cancel(self) -> bool:
        asker: dict[str, Any] = {"actor": who(), "source": "command"}
        try:
            orchestrator.cancel(self._job.pk, **asker)
        except DatabaseBusy:
            if not inbox.request_cancel(self._job.pk, **asker):
                raise
        if self._worker:
            self._worker.wake()
        return True

    def _say_when_alone(self) -> bool:
        now = time.monotonic()
        if now >= self._next_check:
            self._next_check = now + WORKER_CHECK_SECONDS
            if not workers.workers_for(self._job.pk, workers.living()):
                self._follower.say(
                    "No worker is running any more. Start one: python manage.py worker"
                )
        return True


def _add_fields(parser: CommandParser, definition: type[definitions.JobDefinition]) -> None:
    form = definition.form()
    known = {control.option for control in controls(form)}
    for control in controls(form):
        bound = form[control.field]
        option = _option(control.option)
        told: dict[str, Any] = {
            "dest": f"param_{control.option}",
            "help": str(bound.help_text or bound.label or "").replace("%", "%%"),
        }
        if control.kind is Kind.FLAG:
            parser.add_argument(f"--{option}", action="store_true", default=None, **told)
            if bound.initial and f"no_{control.option}" not in known:
                parser.add_argument(f"--no-{option}", action="store_false", dest=told["dest"])
        else:
            action = "append" if control.kind is Kind.SEVERAL else "store"
            parser.add_argument(f"--{option}", action=action, metavar="VALUE", **told)


def _texts(control: Control, value: Any) -> list[str]:
    """What an option says as the text of its control; an empty text empties a selection."""
    if control.kind is Kind.FLAG:
        return ["on"] if value else []
    if control.kind is Kind.SEVERAL:
        return [] if value == [""] else list(value)
    return [value]


def _option(field: str) -> str:
    return field.replace("_", "-")
