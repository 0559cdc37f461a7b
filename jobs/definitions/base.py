"""What a user writes: a class with steps and parameters."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, overload

from django import forms
from django.http import QueryDict

from ..concurrency import Concurrency
from ..exceptions import InvalidParams, NoRetry
from ..queues import DEFAULT_QUEUE
from . import registry
from .controls import is_text
from .parameters import NOT_TEXT, UNKNOWN, Kept, Understood, understand

HIGHEST_PRIORITY = 100

StepFunction = Callable[..., Any]
RawParams = dict[str, list[str]]

# Where each step was written. A class body that writes one name twice keeps only the second.
lines_of: dict[tuple[str, str], set[int]] = {}


@dataclass(frozen=True, kw_only=True)
class StepOptions:
    """The arguments of ``@step``; ``needs`` None means the step above."""

    needs: tuple[str | StepFunction, ...] | None
    timeout: float | None
    warn_after: float | None
    retries: int
    retry_delay: float
    retry_on: tuple[type[Exception], ...] | None
    queue: str


@dataclass(frozen=True, kw_only=True)
class StepDefinition:
    """One step of a definition, its dependencies resolved to names."""

    name: str
    needs: tuple[str, ...]
    timeout: float | None = None
    warn_after: float | None = None
    retries: int = 0
    retry_delay: float = 1.0
    retry_on: tuple[type[Exception], ...] | None = None
    queue: str = DEFAULT_QUEUE

    def is_retried_on(self, error: BaseException) -> bool:
        """Whether the author wants a retry after *error*.

        In an exception group, none may be ``NoRetry`` and all must be in *retry_on*.
        """
        wanted = (BaseException,) if self.retry_on is None else self.retry_on
        if isinstance(error, BaseExceptionGroup):
            _, unwanted = error.split(wanted)
            return error.subgroup(NoRetry) is None and unwanted is None
        return isinstance(error, wanted) and not isinstance(error, NoRetry)


@overload
def step(function: StepFunction) -> StepFunction: ...
@overload
def step(
    *,
    needs: Sequence[str | StepFunction] | None = None,
    timeout: float | None = None,
    warn_after: float | None = None,
    retries: int = 0,
    retry_delay: float = 1.0,
    retry_on: type[Exception] | Sequence[type[Exception]] | None = None,
    queue: str = DEFAULT_QUEUE,
) -> Callable[[StepFunction], StepFunction]: ...
def step(
    function: StepFunction | None = None,
    *,
    needs: Sequence[str | StepFunction] | None = None,
    timeout: float | None = None,
    warn_after: float | None = None,
    retries: int = 0,
    retry_delay: float = 1.0,
    retry_on: type[Exception] | Sequence[type[Exception]] | None = None,
    queue: str = DEFAULT_QUEUE,
) -> Any:
    """Make a method a step.

    *needs* lists steps (names or functions) that must succeed first; omitted: the step above;
    ``[]``: none. An attempt that runs for *timeout* seconds is ended; one that runs for
    *warn_after* seconds is marked, and noted in the journal.

    A failed attempt is followed by up to *retries* retries: the first after *retry_delay* seconds,
    each further one after twice the delay before it, at most an hour. *retry_on* limits retries to
    these exceptions; omitted: all. Time-outs and lost workers are always retried; ``NoRetry``, and
    an exception group that contains one, never is.

    *queue* names the kind of worker that runs the step: one that serves this queue.
    """
    options = StepOptions(
        needs=None if needs is None else tuple(needs),
        timeout=timeout,
        warn_after=warn_after,
        retries=retries,
        retry_delay=retry_delay,
        retry_on=_exceptions(retry_on),
        queue=queue,
    )

    def mark(marked: StepFunction) -> StepFunction:
        marked.truestep_options = options  # type: ignore[attr-defined]
        lines_of.setdefault(place_of(marked), set()).add(marked.__code__.co_firstlineno)
        return marked

    return mark if function is None else mark(function)


def _exceptions(
    given: type[Exception] | Sequence[type[Exception]] | None,
) -> tuple[type[Exception], ...] | None:
    if given is None:
        return None
    return (given,) if isinstance(given, type) else tuple(given)


class JobDefinition:
    """Base of everything that can be run. Its docstring is shown on the page."""

    name: ClassVar[str] = ""
    permission: ClassVar[str | None] = None  # who may launch it from the page, beyond launch_job
    priority: ClassVar[int] = 0  # of a launch that gives none; -100 to 100, higher ones start first
    deadline: ClassVar[float | None] = None  # seconds from the launch to the end of the job
    abstract: ClassVar[bool] = False  # True in a base class that cannot be launched itself
    do_not_call_in_templates: ClassVar[bool] = True  # Django's templates call classes otherwise

    class Params(forms.Form):
        """The launch form and the command's options; no parameters unless overridden."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in cls.__dict__:
            cls.name = re.sub(
                r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls.__name__
            ).lower()
        if not cls.__dict__.get("abstract"):
            registry.add(cls)

    @classmethod
    def authorize(cls, params: dict[str, Any], *, actor: str, source: str) -> None:
        """Refuse a launch that the form alone cannot judge: raise ``forms.ValidationError``.

        *params* are the cleaned parameters, *source* is ``page``, ``admin``, ``command`` or
        ``python``.
        """

    @classmethod
    def concurrency(cls, params: dict[str, Any]) -> Concurrency | None:
        """How many jobs with which key may run at a time; None: any number.

        *params* are the cleaned parameters.
        """
        return None

    @classmethod
    def steps(cls) -> dict[str, StepDefinition]:
        """The steps by name, in the order they are written, base classes first."""
        return dict(_steps_of(cls))  # type: ignore[arg-type]  # mypy takes a class for its instance

    @classmethod
    def summary(cls) -> str:
        """The first paragraph of the docstring, on one line."""
        return " ".join(inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0].split())

    @classmethod
    def understand(cls, given: Mapping[str, Any], shown_before: Kept | None = None) -> Understood:
        """What the form understands of a page, a command or Python. Raises InvalidParams."""
        return understand(cls.name, cls.Params, given, shown_before)

    @classmethod
    def clean(cls, raw: RawParams) -> dict[str, Any]:
        """Text by field as Python values. Raises InvalidParams with the form's own messages.

        Jobs of older releases kept only this text.
        """
        form = cls.form(raw)
        unknown = sorted(set(raw) - set(form.fields))
        broken = [field for field, values in raw.items() if not all(map(is_text, values))]
        if form.is_valid() and not unknown and not broken:
            return form.cleaned_data
        errors = {field: [str(text) for text in texts] for field, texts in form.errors.items()}
        errors |= {field: [UNKNOWN] for field in unknown}
        errors |= {field: [NOT_TEXT] for field in broken}
        raise InvalidParams(cls.name, errors, form)

    @classmethod
    def form(cls, raw: RawParams | None = None) -> forms.Form:
        """The launch form, bound to *raw* when given."""
        if raw is None:
            return cls.Params()
        data = QueryDict(mutable=True)
        for field, values in raw.items():
            data.setlist(field, list(values))
        return cls.Params(data)


@functools.cache
def _steps_of(cls: type[JobDefinition]) -> dict[str, StepDefinition]:
    marked: dict[str, StepFunction] = {}
    for base in reversed(cls.__mro__):
        for name, value in vars(base).items():
            if hasattr(value, "truestep_options"):
                marked[name] = value
            elif name in marked:  # overridden by an attribute that is not a step
                del marked[name]
    names = {function: name for name, function in marked.items()}
    steps: dict[str, StepDefinition] = {}
    above: tuple[str, ...] = ()
    for name, function in marked.items():
        options: StepOptions = function.truestep_options  # type: ignore[attr-defined]
        needs = (
            above if options.needs is None else tuple(_name(need, names) for need in options.needs)
        )
        steps[name] = StepDefinition(
            name=name,
            needs=needs,
            timeout=options.timeout,
            warn_after=options.warn_after,
            retries=options.retries,
            retry_delay=options.retry_delay,
            retry_on=options.retry_on,
            queue=options.queue,
        )
        above = (name,)
    return steps


def is_priority(value: object) -> bool:
    """Whether a job can have this priority."""
    return type(value) is int and abs(value) <= HIGHEST_PRIORITY


def place_of(function: StepFunction) -> tuple[str, str]:
    return function.__code__.co_filename, function.__qualname__


def _name(need: str | StepFunction, names: Mapping[StepFunction, str]) -> str:
    if isinstance(need, str):
        return need
    return names.get(need, getattr(need, "__name__", repr(need)))
