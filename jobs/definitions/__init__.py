"""What can be run: a class with steps and parameters, written by the user; and the registry of it.

    class NightlyImport(JobDefinition):
        class Params(forms.Form):
            path = forms.CharField(help_text="Export file")

        @step
        def fetch(self, run): ...

        @step(timeout=60)
        def load(self, run): ...

Nothing here raises on a broken definition: ``problems`` tells what is wrong, and a system check
refuses to start with it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, overload

from django import forms
from django.forms.widgets import MultiWidget
from django.http import QueryDict
from django.utils.module_loading import autodiscover_modules

from ..exceptions import InvalidParams, NoRetry, UnknownDefinition
from .controls import is_text
from .parameters import NOT_TEXT, UNKNOWN, Kept, Understood, understand

StepFunction = Callable[..., Any]
RawParams = dict[str, list[str]]
MOST_RETRIES = 1000

# Where each step was written. A class body that writes one name twice keeps only the second.
_lines_of: dict[tuple[str, str], set[int]] = {}

# Options of `manage.py launch` itself; a parameter of the same name could never be given there.
COMMAND_OPTIONS = frozenset(
    [
        "detach",
        "json",
        "follow",
        "help",
        "version",
        "verbosity",
        "settings",
        "pythonpath",
        "traceback",
        "no_color",
        "force_color",
        "skip_checks",
        "definition",
    ]
)


@dataclass(frozen=True, kw_only=True)
class StepOptions:
    """What ``@step`` was told; ``needs`` None means: the step above."""

    needs: tuple[str | StepFunction, ...] | None
    timeout: float | None
    retries: int
    retry_delay: float
    retry_on: tuple[type[Exception], ...] | None


@dataclass(frozen=True, kw_only=True)
class StepDefinition:
    """One step of a definition, its needs resolved to names."""

    name: str
    needs: tuple[str, ...]
    timeout: float | None = None
    retries: int = 0
    retry_delay: float = 1.0
    retry_on: tuple[type[Exception], ...] | None = None

    def is_retried_on(self, error: BaseException) -> bool:
        """Whether a further attempt may mend what raised *error*, as far as the author says."""
        if isinstance(error, NoRetry):
            return False
        return self.retry_on is None or isinstance(error, self.retry_on)


@overload
def step(function: StepFunction) -> StepFunction: ...
@overload
def step(
    *,
    needs: Sequence[str | StepFunction] | None = None,
    timeout: float | None = None,
    retries: int = 0,
    retry_delay: float = 1.0,
    retry_on: type[Exception] | Sequence[type[Exception]] | None = None,
) -> Callable[[StepFunction], StepFunction]: ...
def step(
    function: StepFunction | None = None,
    *,
    needs: Sequence[str | StepFunction] | None = None,
    timeout: float | None = None,
    retries: int = 0,
    retry_delay: float = 1.0,
    retry_on: type[Exception] | Sequence[type[Exception]] | None = None,
) -> Any:
    """Make a method a step.

    *needs* lists steps (names or functions) that must succeed first; omitted: the step above;
    ``[]``: none. *timeout* is in seconds.

    An attempt that fails is followed by up to *retries* further ones: *retry_delay* seconds later,
    then twice as long each time, an hour at most. *retry_on* names the exceptions that are worth
    it; omitted: all. Time-outs and lost workers always are; ``NoRetry`` never is.
    """
    options = StepOptions(
        needs=None if needs is None else tuple(needs),
        timeout=timeout,
        retries=retries,
        retry_delay=retry_delay,
        retry_on=_exceptions(retry_on),
    )

    def mark(marked: StepFunction) -> StepFunction:
        marked.truestep_options = options  # type: ignore[attr-defined]
        _lines_of.setdefault(_place(marked), set()).add(marked.__code__.co_firstlineno)
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
    abstract: ClassVar[bool] = False  # set in a base class that is not to be launched itself

    class Params(forms.Form):
        """The launch form and the command's options; no parameters unless overridden."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in cls.__dict__:
            cls.name = re.sub(
                r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls.__name__
            ).lower()
        if not cls.__dict__.get("abstract"):
            _registered.append(cls)

    @classmethod
    def authorize(cls, params: dict[str, Any], *, actor: str, source: str) -> None:
        """Refuse a launch that the form alone cannot judge: raise ``forms.ValidationError``.

        *params* are the cleaned parameters, *source* is ``page``, ``admin``, ``command`` or
        ``python``.
        """

    @classmethod
    def steps(cls) -> dict[str, StepDefinition]:
        """The steps by name, in the order they are written, base classes first."""
        marked: dict[str, StepFunction] = {}
        for base in reversed(cls.__mro__):
            for name, value in vars(base).items():
                if hasattr(value, "truestep_options"):
                    marked[name] = value
                elif name in marked:  # overridden by something that is not a step
                    del marked[name]
        names = {function: name for name, function in marked.items()}
        steps: dict[str, StepDefinition] = {}
        above: tuple[str, ...] = ()
        for name, function in marked.items():
            options: StepOptions = function.truestep_options  # type: ignore[attr-defined]
            needs = (
                above
                if options.needs is None
                else tuple(_name(need, names) for need in options.needs)
            )
            steps[name] = StepDefinition(
                name=name,
                needs=needs,
                timeout=options.timeout,
                retries=options.retries,
                retry_delay=options.retry_delay,
                retry_on=options.retry_on,
            )
            above = (name,)
        return steps

    @classmethod
    def summary(cls) -> str:
        """The first paragraph of the docstring, on one line."""
        return " ".join(inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0].split())

    @classmethod
    def understand(cls, given: Mapping[str, Any], shown_before: Kept | None = None) -> Understood:
        """What the form makes of what a page, a command or Python gave. Raises InvalidParams."""
        return understand(cls.name, cls.Params, given, shown_before)

    @classmethod
    def clean(cls, raw: RawParams) -> dict[str, Any]:
        """Text by field as Python values. Raises InvalidParams with the form's own messages.

        Jobs of an older release are kept as such text.
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


def _place(function: StepFunction) -> tuple[str, str]:
    return function.__code__.co_filename, function.__qualname__


def _name(need: str | StepFunction, names: Mapping[StepFunction, str]) -> str:
    if isinstance(need, str):
        return need
    return names.get(need, getattr(need, "__name__", repr(need)))


# --- the registry ---------------------------------------------------------------------------------

_registered: list[type[JobDefinition]] = []


def autodiscover() -> None:
    """Import ``jobs.py`` of every installed app; their definitions register themselves."""
    autodiscover_modules("jobs")


def registered() -> dict[str, type[JobDefinition]]:
    """Every definition by name, in alphabetical order."""
    return {cls.name: cls for cls in sorted(_registered, key=lambda cls: cls.name)}


def get(name: str) -> type[JobDefinition]:
    """The definition of that name. Raises UnknownDefinition."""
    known = registered()
    if name not in known:
        raise UnknownDefinition(name, list(known))
    return known[name]


def known_steps() -> dict[str, list[str]]:
    """The step names of every definition: what this process can run."""
    return {name: list(cls.steps()) for name, cls in registered().items()}


# --- what can be wrong with a definition ----------------------------------------------------------


def problems() -> Iterator[tuple[type[JobDefinition], str]]:
    """Each broken definition with a sentence that names the step or parameter."""
    seen: dict[str, type[JobDefinition]] = {}
    for cls in _registered:
        if cls.name in seen:
            yield cls, f"its name {cls.name!r} is taken by {where(seen[cls.name])}"
        seen.setdefault(cls.name, cls)
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,99}", cls.name):
            yield (
                cls,
                f"its name {cls.name!r} must be lower-case letters, digits and _ (at most 100)",
            )
        for problem in (*_step_problems(cls), *_param_problems(cls)):
            yield cls, problem


def where(cls: type[JobDefinition]) -> str:
    """``file:line ClassName`` of a definition."""
    try:
        line = f":{inspect.getsourcelines(cls)[1]}"
    except (OSError, TypeError):
        line = ""
    module = inspect.getmodule(cls)
    return f"{getattr(module, '__file__', cls.__module__)}{line} {cls.__qualname__}"


def _step_problems(cls: type[JobDefinition]) -> Iterator[str]:
    steps = cls.steps()
    if not steps:
        yield "it has no step; mark a method with @step"
    for step_definition in steps.values():
        name = step_definition.name
        if name.startswith("_") or len(name) > 100 or hasattr(JobDefinition, name):
            yield f"step {name!r}: the name is reserved or too long; choose another"
        for need in step_definition.needs:
            if need not in steps:
                yield f"step {name!r} needs {need!r}, which is not a step of it"
        if len(set(step_definition.needs)) < len(step_definition.needs):
            yield f"step {name!r} names one of its needs twice"
        if step_definition.timeout is not None and not _is_positive(step_definition.timeout):
            yield f"step {name!r}: timeout={step_definition.timeout!r} must be seconds above 0"
        yield from _retry_problems(step_definition)
        if _is_written_twice(cls, name):
            yield f"step {name!r} is written twice; the first one would never run"
        if not _takes_run(getattr(cls, name)):
            yield f"step {name!r} must be a plain method that takes one argument, run"
    for name in _on_a_cycle(steps):
        yield f"step {name!r} needs itself, directly or through other steps"


def _retry_problems(step_definition: StepDefinition) -> Iterator[str]:
    name, retries = step_definition.name, step_definition.retries
    if type(retries) is not int or not 0 <= retries <= MOST_RETRIES:
        yield f"step {name!r}: retries={retries!r} must be a whole number, at most {MOST_RETRIES}"
    delay = step_definition.retry_delay
    if not (_is_positive(delay) or delay == 0):
        yield f"step {name!r}: retry_delay={delay!r} must be seconds from 0 on"
    for error in step_definition.retry_on or ():
        if not (isinstance(error, type) and issubclass(error, Exception)):
            yield f"step {name!r}: retry_on has {error!r}, which is not an exception class"


def _is_written_twice(cls: type[JobDefinition], name: str) -> bool:
    function = getattr(cls, name)
    # Functions made elsewhere, such as lambdas, may share a name and are steps all the same.
    in_a_body = any(function.__qualname__ == f"{base.__qualname__}.{name}" for base in cls.__mro__)
    return in_a_body and len(_lines_of.get(_place(function), ())) > 1


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 10**9


def _takes_run(function: StepFunction) -> bool:
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        return False
    try:
        inspect.signature(function).bind(None, None)
    except TypeError:
        return False
    return True


def _on_a_cycle(steps: Mapping[str, StepDefinition]) -> list[str]:
    """Names of the steps that can never become ready."""
    done: set[str] = set()
    left = {name: set(item.needs) & set(steps) for name, item in steps.items()}
    while ready := [name for name, needs in left.items() if needs <= done]:
        done.update(ready)
        left = {name: needs for name, needs in left.items() if name not in done}
    return list(left)


def _param_problems(cls: type[JobDefinition]) -> Iterator[str]:
    if not (isinstance(cls.Params, type) and issubclass(cls.Params, forms.Form)):
        yield "Params must be a django.forms.Form class"
        return
    options: set[str] = set()
    for name, field in cls.Params.base_fields.items():
        if _takes_a_file(field):
            yield f"parameter {name!r} is a file field; give a path instead"
        if name in COMMAND_OPTIONS:
            yield f"parameter {name!r} clashes with an option of the launch command; rename it"
        if (option := name.replace("_", "-")) in options:
            yield f"parameter {name!r} has the same option of the launch command as another one"
        options.add(option)


def _takes_a_file(field: forms.Field) -> bool:
    parts: Iterable[forms.Field] = getattr(field, "fields", ())  # of several controls or checks
    return (
        isinstance(field, forms.FileField)
        or _is_for_files(field.widget)
        or any(map(_takes_a_file, parts))
    )


def _is_for_files(widget: forms.Widget) -> bool:
    parts = widget.widgets if isinstance(widget, MultiWidget) else ()
    return isinstance(widget, forms.FileInput) or any(map(_is_for_files, parts))
