"""Truestep: multi-step jobs for Django, with a persisted history and a live page that never lies.

The package is ``jobs`` in this repository and ``truestep`` where it is installed; one process
imports it under one of these names only.

Read in this order:

    what a job is       statuses, definitions, models
    how it moves        journal, orchestrator, runner, slots, engines
    how it survives     workers, upkeep, logs
    how it is seen      sight, news, live, views, admin
    what it stands on   database, text, conf, exceptions, crashpoints

Public are the names in ``__all__``. They load on first use, because settings and ``apps.py`` may
import this package before Django has loaded its models.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .concurrency import Concurrency
    from .definitions import JobDefinition, step
    from .exceptions import NoRetry
    from .orchestrator import cancel, launch, launch_many, retry

__all__ = [
    "Concurrency",
    "JobDefinition",
    "NoRetry",
    "cancel",
    "launch",
    "launch_many",
    "retry",
    "step",
]

_HOMES = {
    "Concurrency": ".concurrency",
    "JobDefinition": ".definitions",
    "step": ".definitions",
    "NoRetry": ".exceptions",
    "cancel": ".orchestrator",
    "launch": ".orchestrator",
    "launch_many": ".orchestrator",
    "retry": ".orchestrator",
}
_IS_TRUESTEP = True  # how a second copy of this package recognises the first one


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _refuse_a_second_name() -> None:
    """Two copies would have two registries of definitions, and models that do not match."""
    for name, module in list(sys.modules.items()):
        if name != __name__ and getattr(module, "__dict__", {}).get("_IS_TRUESTEP"):
            raise ImportError(
                f"{_importing_line()} imports Truestep as {__name__!r}, but this process already "
                f"uses it as {name!r}, from {module.__path__[0]}. Write {name!r} there, and in "
                "INSTALLED_APPS and every other import."
            )


def _importing_line() -> str:
    """The file and line whose import statement loads this package."""
    frame = sys._getframe()
    while frame.f_back and (
        frame.f_globals.get("__name__") == __name__ or "importlib" in frame.f_code.co_filename
    ):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}, line {frame.f_lineno},"


_refuse_a_second_name()
