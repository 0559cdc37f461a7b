"""The state of a process that is restored between two steps of a job.

``docs/write-steps.md`` has the same list ("What a step may leave behind").
"""

from __future__ import annotations

import decimal
import gc
import locale
import logging
import os
import random
import resource
import signal
import socket
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

Restore = Callable[[], object]

LIMITS = sorted({value for name, value in vars(resource).items() if name.startswith("RLIMIT_")})


class ProcessState:
    """The state of this process and its forks now, with *mask* as the signal mask."""

    def __init__(self, mask: set[signal.Signals]) -> None:
        self._environment = dict(os.environ)
        self._restores: list[Restore] = [part() for part in _PARTS]
        self._restores += [
            self._restore_environment,
            lambda: signal.pthread_sigmask(signal.SIG_SETMASK, mask),
        ]

    def set_environment(self, name: str, value: str) -> None:
        """Set a variable; from now on it belongs to this state."""
        os.environ[name] = self._environment[name] = value

    def restore(self) -> None:
        """Raises an error if a part cannot be restored; the process must not be used then."""
        for restore in self._restores:
            restore()

    def _restore_environment(self) -> None:
        if os.environ != self._environment:
            os.environ.clear()
            os.environ.update(self._environment)
        time.tzset()  # otherwise the C library keeps the earlier zone


def stop_timers() -> None:
    """Do this before anything is restored: the handlers of their signals may raise."""
    for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
        signal.setitimer(timer, 0)


def _directory() -> Restore:
    directory = os.open(".", os.O_PATH)  # the path may be deleted, as by a deploy
    return lambda: os.fchdir(directory)


def _umask() -> Restore:
    os.umask(umask := os.umask(0))
    return lambda: os.umask(umask)


def _handlers() -> Restore:
    handlers = dict(_handler_of_each_signal())

    def restore() -> None:
        signal.set_wakeup_fd(-1)
        for number, handler in handlers.items():
            if signal.getsignal(number) != handler:
                signal.signal(number, handler)

    return restore


def _handler_of_each_signal() -> Iterator[tuple[signal.Signals, Any]]:
    """The handler of each signal that can have one."""
    for number in signal.Signals:
        handler = signal.getsignal(number)
        if handler is not None and number not in (signal.SIGKILL, signal.SIGSTOP):
            yield number, handler


def _limits() -> Restore:
    """Soft limits, up to the hard limits, which cannot be raised again."""
    limits = {number: resource.getrlimit(number)[0] for number in LIMITS}

    def restore() -> None:
        for number, limit in limits.items():
            soft, hard = resource.getrlimit(number)
            if soft != limit:
                resource.setrlimit(number, (limit, hard))

    return restore


def _interpreter() -> Restore:
    path, argv = list(sys.path), list(sys.argv)
    depth, timeout = sys.getrecursionlimit(), socket.getdefaulttimeout()

    def restore() -> None:
        sys.path[:] = path
        sys.argv[:] = argv
        sys.setrecursionlimit(depth)
        socket.setdefaulttimeout(timeout)
        sys.settrace(None)
        sys.setprofile(None)
        gc.enable()

    return restore


def _warnings() -> Restore:
    shown, formatted, filters = warnings.showwarning, warnings.formatwarning, warnings.filters[:]

    def restore() -> None:
        logging.captureWarnings(False)
        warnings.showwarning, warnings.formatwarning = shown, formatted
        if warnings.filters != filters:
            warnings.resetwarnings()  # also makes modules forget which they have shown
            warnings.filters.extend(filters)  # type: ignore[attr-defined]  # it is a list

    return restore


def _logging() -> Restore:
    """Loggers, their handlers, and the level that is disabled for all of them."""
    disabled = logging.root.manager.disable
    factory = logging.getLogRecordFactory()
    known = {logger: _attributes(logger) for logger in _loggers()}
    handlers = {id(each): each for logger in known for each in logger.handlers}
    handled = [(each, _attributes(each)) for each in handlers.values()]
    new = {"level": 0, "propagate": True, "disabled": False, "handlers": [], "filters": []}

    def restore() -> None:
        logging.setLogRecordFactory(factory)
        for logger in _loggers():
            _reset(logger, known.get(logger, new))
        for handler, attributes in handled:
            _reset(handler, attributes)
        logging.disable(disabled)  # also makes loggers forget which levels are enabled

    return restore


def _loggers() -> list[logging.Logger]:
    every = logging.root.manager.loggerDict.values()
    return [logging.root, *(each for each in every if isinstance(each, logging.Logger))]


def _attributes(subject: logging.Logger | logging.Handler) -> dict[str, Any]:
    names = ("level", "propagate", "disabled", "handlers", "filters", "formatter")
    found = {name: vars(subject)[name] for name in names if name in vars(subject)}
    return {name: value[:] if isinstance(value, list) else value for name, value in found.items()}


def _reset(subject: logging.Logger | logging.Handler, attributes: dict[str, Any]) -> None:
    for name, value in attributes.items():
        if vars(subject)[name] != value:
            setattr(subject, name, value[:] if isinstance(value, list) else value)


def _locale() -> Restore:
    name = locale.setlocale(locale.LC_ALL)

    def restore() -> None:
        if locale.setlocale(locale.LC_ALL) != name:
            locale.setlocale(locale.LC_ALL, name)

    return restore


def _decimal() -> Restore:
    context = decimal.getcontext().copy()
    return lambda: decimal.setcontext(context.copy())


def _random() -> Restore:
    def restore() -> None:
        random.seed()
        seed_numpy()

    return restore


def seed_numpy() -> None:
    """A forked process would share its seed with its siblings; Python's own differs by itself."""
    if numpy := sys.modules.get("numpy.random"):
        numpy.seed()


_PARTS = (
    _directory,
    _umask,
    _handlers,
    _limits,
    _interpreter,
    _warnings,
    _logging,
    _locale,
    _decimal,
    _random,
)
