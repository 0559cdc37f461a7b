"""Runs one step and returns its outcome. It knows no database and no worker.

This runs in a slot: a process that may be killed at any moment.
"""

from __future__ import annotations

import json
import math
import re
import time
import traceback as tracebacks
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from . import definitions
from .codes import Code, Fact
from .definitions import parameters
from .exceptions import InvalidParams, LostParam, StepStopped, UnknownDefinition
from .statuses import Verdict
from .text import clean, cut
from .usage import UNKNOWN, Usage, of_memory_error

T = TypeVar("T")
LEVELS = {"debug": "d", "info": "i", "warning": "w", "error": "e", "critical": "c"}
ERRORS = "ec"  # letters of levels
GROUP, GROUP_END = "::group::", "::endgroup::"  # lines that begin so begin and end a group
PROGRESS_SECONDS = 0.05
SHOWN_BYTES = 100  # of a key that an error names
# Within these limits every process can read a result, even if a step changed its own limits.
MAX_DEPTH = 200  # nested lists and dicts
TOO_LARGE = 10**4300  # Python does not parse such an integer
PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")  # two code points that JSON reads as one


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
    limits: Limits
    is_last: bool = False  # of its job, if it succeeds: its process need not be restored

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

    def __init__(self, task: Task, params: dict[str, Any], channel: Channel) -> None:
        self.params = params
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
            self._channel.progress(done, total, clean(_to_text(text))[:200])

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


def run_step(task: Task, make_run: Callable[[dict[str, Any]], Run]) -> Outcome:
    """Run the step and return its outcome, whatever it does.

    *make_run* takes the parameters as understood and returns the Run that the step gets.
    """
    try:
        definition = definitions.get(task.definition)
        function = getattr(definition(), task.step)
        run = make_run(_params(definition, task))
        return _returned(task, function(run))
    except StepStopped as stopped:
        return Outcome(
            verdict=Verdict.STOPPED,
            fact=Fact(Code.STEP_ASKED_TO_STOP),
            traceback=_traceback(stopped, task.limits.error_bytes),
        )
    except SystemExit as error:
        return _failed(task, error, f"SystemExit: the step called sys.exit({_to_text(error.code)})")
    except (InvalidParams, LostParam) as error:
        return _failed(task, error, _to_text(error), may_retry=False)
    except MemoryError as error:
        tracebacks.clear_frames(error.__traceback__)  # saying what happened takes memory, too
        said = "\n".join(filter(None, (_to_text(error), of_memory_error())))
        message = f"{type(error).__name__}: {said}"
        return _failed(task, error, message, _may_retry(task, error))
    except BaseException as error:
        message = f"{type(error).__name__}: {_to_text(error)}".removesuffix(": ")
        return _failed(task, error, message, _may_retry(task, error))


def _params(definition: type[definitions.JobDefinition], task: Task) -> dict[str, Any]:
    if task.understood is None:  # launched by a release that kept only the text
        return definition.clean(task.params)
    return parameters.recall(task.understood)


def _returned(task: Task, result: Any) -> Outcome:
    if problem := misfit(result):
        message = (
            f"The step returned what would not come back equal: {problem}. "
            "Return None, numbers, text, lists and dicts with text keys."
        )
        return _failed(task, None, message)
    text = json.dumps(result, allow_nan=False)
    if len(text) > task.limits.result_bytes:
        message = (
            f"the step returned {len(text):,} bytes of JSON; the limit is "
            f"{task.limits.result_bytes:,} (TRUESTEP['result_bytes']). Store it elsewhere and "
            "return where."
        )
        return _failed(task, None, message)
    fact = Fact(Code.STEP_RETURNED)
    return Outcome(verdict=Verdict.RETURNED, fact=fact, result=json.loads(text))


def misfit(value: Any, place: str = "result", depth: int = 0) -> str:
    """Which part of *value* JSON would return as another value, and why; else empty."""
    if isinstance(value, dict | list) and depth == MAX_DEPTH:
        return f"{place[:SHOWN_BYTES]}… is nested more than {MAX_DEPTH} deep"
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                return f"{place} has the key {cut(_to_text(key), SHOWN_BYTES)}, {_describe(key)}"
            if PAIR.search(key):
                return f"{place} has a key with a surrogate pair, which comes back as one character"
            there = f"{place}[{json.dumps(cut(key, SHOWN_BYTES))}]"
            if problem := misfit(item, there, depth + 1):
                return problem
        return ""
    if isinstance(value, list):
        problems = (misfit(item, f"{place}[{n}]", depth + 1) for n, item in enumerate(value))
        return next(filter(None, problems), "")
    if isinstance(value, float) and not math.isfinite(value):
        return f"{place} is {value}"
    if isinstance(value, int) and abs(value) >= TOO_LARGE:
        return f"{place} is an integer of more than 4,300 digits"
    if isinstance(value, str) and PAIR.search(value):
        return f"{place} has a surrogate pair, which comes back as one character"
    if value is None or isinstance(value, str | int | float):
        return ""
    return f"{place} is {_describe(value)}"


def _failed(
    task: Task, error: BaseException | None, message: str, may_retry: bool = True
) -> Outcome:
    limit = task.limits.error_bytes
    raised = Fact(Code.STEP_RAISED, {"error": type(error).__name__})
    return Outcome(
        verdict=Verdict.FAILED,
        fact=raised if error else Fact(Code.STEP_UNUSABLE_RESULT),
        error=cut(message, limit),
        traceback=_traceback(error, limit) if error else "",
        may_retry=may_retry and error is not None,
    )


def _may_retry(task: Task, error: BaseException) -> bool:
    try:
        return definitions.get(task.definition).steps()[task.step].is_retried_on(error)
    except (UnknownDefinition, KeyError):  # this is the error itself; another worker may know it
        return True


def _to_text(value: object) -> str:
    """``str(value)``, even if its ``__str__`` raises."""
    try:
        return str(value)
    except BaseException as error:
        return f"(its text cannot be shown: {type(error).__name__} in __str__)"


def _describe(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _traceback(error: BaseException, limit: int) -> str:
    """The traceback, beginning with the step's own frames."""
    frames = error.__traceback__.tb_next if error.__traceback__ else None
    try:
        text = "".join(tracebacks.format_exception(type(error), error, frames))
    except BaseException:
        text = "".join(tracebacks.format_tb(frames)) + f"{type(error).__name__}\n"
    return cut(text, limit)
