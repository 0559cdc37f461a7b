"""Runs one step and returns its outcome. It knows no database and no worker.

This runs in a slot: a process that may be killed at any moment.
"""

from __future__ import annotations

import json
import math
import time
import traceback as tracebacks
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID

from . import definitions, sealing
from .codes import Code, Fact
from .definitions import parameters
from .exceptions import InvalidParams, LostParam, LostSecrets, StepStopped, UnknownDefinition
from .redaction import Redactor
from .results import misfit, to_text
from .statuses import Verdict
from .text import clean, cut
from .usage import UNKNOWN, Usage, of_memory_error

T = TypeVar("T")
LEVELS = {"debug": "d", "info": "i", "warning": "w", "error": "e", "critical": "c"}
ERRORS = "ec"  # letters of levels
GROUP, GROUP_END = "::group::", "::endgroup::"  # lines that begin so begin and end a group
PROGRESS_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How an attempt ended."""

    verdict: Verdict
    fact: Fact  # for the journal
    result: Any = None  # JSON
    error: str = ""  # for people: what happened, in one or a few lines
    traceback: str = ""
    may_retry: bool = True  # False: a further attempt would end the same way
    used: Usage = UNKNOWN

    def to_json(self) -> dict[str, Any]:
        values = vars(self) | {"fact": vars(self.fact)}
        del values["used"]  # only its engine knows
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any], used: Usage = UNKNOWN) -> Outcome:
        verdict, fact = Verdict(values["verdict"]), Fact(**values["fact"])
        return cls(**values | {"verdict": verdict, "fact": fact, "used": used})


@dataclass(frozen=True, kw_only=True)
class Limits:
    error_bytes: int
    result_bytes: int


@dataclass(frozen=True, kw_only=True)
class Task:
    """Everything that a slot needs to run an attempt."""

    definition: str
    step: str
    attempt: int
    params: dict[str, list[str]]  # as typed
    understood: parameters.Kept | None = None  # as the form understood them at launch
    results: str  # a JSON object: the results of its dependencies, by name
    idempotency_key: str
    job: str = ""  # its UUID, for which its secret parameters were …
    sealed: str = ""  # … encrypted
    limits: Limits
    is_last: bool = False  # of its job, if it succeeds: its process need not be restored

    def secrets(self) -> parameters.Secrets:
        """Its secret parameters. Raises LostSecrets."""
        if not self.sealed:
            return parameters.NO_SECRETS
        return parameters.Secrets.of(sealing.unseal(self.sealed, UUID(self.job)))

    def to_lines(self) -> bytes:
        """Two lines of JSON: all but the results, and these, which only the step itself reads."""
        values = vars(self) | {"limits": vars(self.limits), "results": ""}
        return f"{json.dumps(values)}\n{self.results}\n".encode()

    @classmethod
    def from_lines(cls, task: bytes, results: bytes) -> Task:
        values = json.loads(task)
        values |= {"limits": Limits(**values["limits"]), "results": results.decode().rstrip()}
        return cls(**values)


@dataclass(frozen=True)
class Channel:
    """Where a step's log lines and progress go."""

    log: Callable[[str, str], None]  # text, level
    progress: Callable[[float, float, str], None]  # done, total, text


class Run:
    """What a step gets: its parameters, the results of its dependencies, log and progress."""

    def __init__(
        self, task: Task, params: dict[str, Any], channel: Channel, hide: Redactor | None = None
    ) -> None:
        self.params = params
        self._hide = hide or Redactor()
        self._results = task.results
        self.attempt = task.attempt
        self.idempotency_key = task.idempotency_key
        self._channel = channel
        self._reported_at = 0.0
        self.watches_cancel = False  # True once the step has asked whether it is cancelled
        self.stop_reason = ""

    @cached_property
    def results(self) -> dict[str, Any]:
        """The results of its dependencies by name, also of those that these need.

        They are read when a step asks for them: in a long job there are many.
        """
        found: dict[str, Any] = json.loads(self._results)
        return found

    @property
    def cancelled(self) -> bool:
        """Whether this step has been asked to stop.

        A step that reads this is expected to stop within the grace. Any other step is interrupted
        by an exception wherever it is.
        """
        self.watches_cancel = True
        return bool(self.stop_reason)

    def log(self, text: object, level: str = "info") -> None:
        """Write to the step's log. *level* is debug, info, warning, error or critical."""
        if level not in LEVELS:
            raise ValueError(f"level {level!r} is not one of {', '.join(LEVELS)}")
        self._channel.log(str(text), level)

    @contextmanager
    def group(self, title: object) -> Iterator[None]:
        """What is logged inside is a group of lines, which a reader can fold."""
        self.log(GROUP + " ".join(str(title).split()))
        try:
            yield
        finally:
            self.log(GROUP_END)

    def progress(self, done: Any, total: Any, text: object = "") -> None:
        """Show how far the step is: *done* of *total*, in any unit.

        Takes any numbers, also Decimal, Fraction and those of other libraries. A value that is
        negative, infinite or not a number counts as 0: reporting progress never fails a step.
        """
        done, total = _number(done), _number(total)
        now = time.monotonic()
        if done >= total > 0 or now - self._reported_at >= PROGRESS_SECONDS:
            self._reported_at = now
            self._channel.progress(done, total, clean(self._hide(to_text(text)))[:200])

    def track(self, iterable: Iterable[T], text: str = "") -> Iterator[T]:
        """Iterate over *iterable* and show the progress."""
        total = len(iterable) if isinstance(iterable, Sized) else len(iterable := list(iterable))
        self.progress(0, total, text)
        for done, item in enumerate(iterable, 1):
            yield item
            self.progress(done, total, text)


def _number(value: Any) -> float:
    try:
        number = float(value)
    except Exception:  # a foreign type may raise anything
        return 0.0
    return number if 0 <= number < math.inf else 0.0


def run_step(task: Task, make_run: Callable[[dict[str, Any], Redactor], Run]) -> Outcome:
    """Run the step and return its outcome, whatever it does.

    *make_run* takes the parameters as understood, and what hides the secret ones, and returns the
    Run that the step gets.
    """
    said = _Said(task, Redactor())
    try:
        definition = definitions.get(task.definition)
        function = getattr(definition(), task.step)
        secrets = task.secrets()
        said = _Said(task, secrets.hide)
        run = make_run(_params(definition, task, secrets), secrets.hide)
        return said.returned(function(run))
    except StepStopped as stopped:
        return Outcome(
            verdict=Verdict.STOPPED,
            fact=Fact(Code.STEP_ASKED_TO_STOP),
            traceback=said.traceback(stopped),
        )
    except SystemExit as error:
        text = f"SystemExit: the step called sys.exit({to_text(error.code)})"
        return said.failed(error, text)
    except (InvalidParams, LostParam, LostSecrets) as error:
        return said.failed(error, to_text(error), may_retry=False)
    except MemoryError as error:
        tracebacks.clear_frames(error.__traceback__)  # saying what happened takes memory, too
        lines = "\n".join(filter(None, (to_text(error), of_memory_error())))
        message = f"{type(error).__name__}: {lines}"
        return said.failed(error, message, _may_retry(task, error))
    except BaseException as error:
        message = f"{type(error).__name__}: {to_text(error)}".removesuffix(": ")
        return said.failed(error, message, _may_retry(task, error))


def _params(
    definition: type[definitions.JobDefinition], task: Task, secrets: parameters.Secrets
) -> dict[str, Any]:
    if task.understood is None:  # launched by a release that kept only the text
        return definition.clean(task.params)
    return parameters.recall(task.understood, secrets.values)


@dataclass(frozen=True)
class _Said:
    """What a step has said with its end, within the limits and without its secrets."""

    task: Task
    hide: Redactor

    def returned(self, result: Any) -> Outcome:
        if problem := misfit(result):
            message = (
                f"The step returned what would not come back equal: {problem}. "
                "Return None, numbers, text, lists and dicts with text keys."
            )
            return self.failed(None, message)
        text = json.dumps(result, allow_nan=False)
        limit = self.task.limits.result_bytes
        if len(text) > limit:
            message = (
                f"the step returned {len(text):,} bytes of JSON; the limit is {limit:,} "
                "(TRUESTEP['result_bytes']). Store it elsewhere and return where."
            )
            return self.failed(None, message)
        fact = Fact(Code.STEP_RETURNED)
        kept = self.hide.in_json(json.loads(text))
        return Outcome(verdict=Verdict.RETURNED, fact=fact, result=kept)

    def failed(self, error: BaseException | None, message: str, may_retry: bool = True) -> Outcome:
        raised = Fact(Code.STEP_RAISED, {"error": self.hide(type(error).__name__)})
        return Outcome(
            verdict=Verdict.FAILED,
            fact=raised if error else Fact(Code.STEP_UNUSABLE_RESULT),
            error=cut(self.hide(message), self.task.limits.error_bytes),
            traceback=self.traceback(error) if error else "",
            may_retry=may_retry and error is not None,
        )

    def traceback(self, error: BaseException) -> str:
        """The traceback, beginning with the step's own frames."""
        frames = error.__traceback__.tb_next if error.__traceback__ else None
        try:
            text = "".join(tracebacks.format_exception(type(error), error, frames))
        except BaseException:
            text = "".join(tracebacks.format_tb(frames)) + f"{type(error).__name__}\n"
        return cut(self.hide(text), self.task.limits.error_bytes)


def _may_retry(task: Task, error: BaseException) -> bool:
    try:
        return definitions.get(task.definition).steps()[task.step].is_retried_on(error)
    except (UnknownDefinition, KeyError):  # this is the error itself; another worker may know it
        return True
