"""What can be wrong with a definition. Nothing here raises; a system check reports it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from types import FunctionType
from typing import Any

from django import forms

from ..plan import Plan
from ..queues import QUEUE_NAME, is_queue_name
from . import base, registry
from .base import JobDefinition, StepDefinition, StepFunction, is_priority
from .controls import suffixes, takes_a_file
from .secret import is_secret

MOST_RETRIES = 1000
_OTHER_SIGNATURE = {"__wrapped__", "__signature__"}  # attributes of a function that has one

# Options of `manage.py launch` itself: a parameter of the same name could not be given there.
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


def problems() -> Iterator[tuple[type[JobDefinition], str]]:
    """Each broken definition with a sentence that names the step or parameter."""
    seen: dict[str, type[JobDefinition]] = {}
    for cls in registry.everything():
        if cls.name in seen:
            yield cls, f"its name {cls.name!r} is taken by {where(seen[cls.name])}"
        seen.setdefault(cls.name, cls)
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,99}", cls.name):
            yield (
                cls,
                f"its name {cls.name!r} must be lower-case letters, digits and _ (at most 100)",
            )
        if not is_priority(cls.priority):
            yield cls, f"priority={cls.priority!r} must be a whole number from -100 to 100"
        if not isinstance(inspect.getattr_static(cls, "concurrency"), classmethod | staticmethod):
            yield cls, "concurrency() must be a class method: put @classmethod above it"
        if cls.deadline is not None and not _is_positive(cls.deadline):
            yield cls, f"deadline={cls.deadline!r} must be seconds above 0"
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
        yield from _warn_after_problems(step_definition)
        if not is_queue_name(step_definition.queue):
            yield f"step {name!r}: queue={step_definition.queue!r} must be {QUEUE_NAME}"
        yield from _retry_problems(step_definition)
        if _is_written_twice(cls, name):
            yield f"step {name!r} is written twice; the first one would never run"
        if not _takes_run(getattr(cls, name)):
            yield f"step {name!r} must be a plain method that takes one argument, run"
    known = {name: [need for need in item.needs if need in steps] for name, item in steps.items()}
    for name in Plan(known).unreachable:
        yield f"step {name!r} needs itself, directly or through other steps"


def _warn_after_problems(step_definition: StepDefinition) -> Iterator[str]:
    seconds, timeout = step_definition.warn_after, step_definition.timeout
    which = f"step {step_definition.name!r}: warn_after={seconds!r} must be"
    if seconds is None:
        return
    if not _is_positive(seconds):
        yield f"{which} seconds above 0"
    elif timeout is not None and _is_positive(timeout) and seconds >= timeout:
        yield f"{which} less than timeout={timeout!r}"


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
    return in_a_body and len(base.lines_of.get(base.place_of(function), ())) > 1


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 10**9


def _takes_run(function: StepFunction) -> bool:
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        return False
    if _has_two_arguments(function):
        return True
    try:
        inspect.signature(function).bind(None, None)
    except TypeError:
        return False
    return True


def _has_two_arguments(function: StepFunction) -> bool:
    """Whether it is a plain ``def name(self, run)``, as nearly all are: a signature is slow."""
    if type(function) is not FunctionType or function.__dict__.keys() & _OTHER_SIGNATURE:
        return False
    code = function.__code__
    return (code.co_argcount, code.co_kwonlyargcount) == (2, 0)


def _param_problems(cls: type[JobDefinition]) -> Iterator[str]:
    if not (isinstance(cls.Params, type) and issubclass(cls.Params, forms.Form)):
        yield "Params must be a django.forms.Form class"
        return
    try:
        inspect.signature(cls.Params).bind()
    except TypeError as error:
        yield f"Params must be made without arguments, as Params(): {error}; give it a default"
    options: set[str] = set()
    for name, field in cls.Params.base_fields.items():
        if takes_a_file(field):
            yield f"parameter {name!r} is a file field; give a path instead"
        if any(getattr(widget, "render_value", False) for _, widget in suffixes(field.widget)):
            yield f"parameter {name!r} has render_value=True: a page would show what is secret"
        if name == "csrfmiddlewaretoken":
            yield f"parameter {name!r} has the name of a control that every form has; rename it"
        names = [name + suffix for suffix, _ in suffixes(field.widget)]
        names += [f"{each}_file" for each in names if is_secret(field)]
        if COMMAND_OPTIONS.intersection(names):
            yield f"parameter {name!r} clashes with an option of the launch command; rename it"
        if options.intersection(its := [each.replace("_", "-") for each in names]):
            yield f"parameter {name!r} has the same option of the launch command as another one"
        options.update(its)
