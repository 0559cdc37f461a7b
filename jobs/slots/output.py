"""Everything that a step prints or logs goes to one pipe, in the order in which it was written."""

from __future__ import annotations

import ctypes
import json
import logging
import os
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from ..redaction import Redactor
from ..runner import LEVELS, Channel

RECORD_CHARACTERS = 32 * 1024

_flush_c_streams = ctypes.CDLL(None).fflush


class Output:
    """A pipe as stdout, stderr and log of this process.

    A log line is a record after ``marker``, with its level; everything else is plain text. *shield*
    surrounds each record, so that no signal handler's exception can cut it in two.
    """

    def __init__(self, shield: Callable[[], AbstractContextManager[None]]) -> None:
        self._shield = shield
        self._one_writer = threading.RLock()
        self.marker = b""  # begins a log record
        self._hide = Redactor()  # hides secret parameters in it
        self._make_record = logging.getLogRecordFactory()
        self._open_streams()

    def connect(self, fd: int) -> None:
        """Write to the pipe *fd* from now on, as this process."""
        self._fd, self._pid = fd, os.getpid()
        self._point_at_pipe()

    def log(self, text: str, level: str) -> None:
        """Write one log line. *level* is one of ``runner.LEVELS``."""
        text = self._hide(text)
        _flush_prints()
        if os.getpid() != self._pid:  # a fork of the step: its lines are plain prints
            write_all(self._fd, text.encode("utf-8", "backslashreplace") + b"\n")
            return
        with self._one_writer, self._shield():
            for start in range(0, max(1, len(text)), RECORD_CHARACTERS):
                end = start + RECORD_CHARACTERS
                values = {"l": LEVELS[level], "t": text[start:end], "more": end < len(text)}
                write_all(self._fd, self.marker + json.dumps(values).encode() + b"\n")

    def hide_with(self, hide: Redactor) -> None:
        """Hide secrets from now on, also in the records that go to handlers of the project."""
        self._hide = hide
        make = self._make_record

        def make_hidden(*args: Any, **named: Any) -> logging.LogRecord:
            return _hidden(make(*args, **named), hide)

        logging.setLogRecordFactory(make_hidden if hide else make)

    def redirect(self) -> None:
        """Undo what a step did to stdin, stdout and stderr, and to Python's streams for them."""
        read_nothing()
        self._point_at_pipe()
        self._open_streams()

    def _point_at_pipe(self) -> None:
        for target in (1, 2):
            os.dup2(self._fd, target)

    def _open_streams(self) -> None:
        for name, fd in (("stdout", 1), ("stderr", 2)):
            stream = open(  # noqa: SIM115  (stays open as long as the process)
                fd, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False
            )
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)

    def flush(self) -> None:
        """Write what the step printed and Python or the C library still buffers."""
        for fd in (1, 2):
            try:
                os.fstat(fd)
            except OSError:  # the step closed it; the C library drops what it cannot flush
                os.dup2(self._fd, fd)
        _flush_prints()
        _flush_c_streams(None)


def read_nothing() -> None:
    """Point stdin to nothing."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    if nothing > 2:  # if the step before closed one of the three, it is that one now
        os.close(nothing)


def _flush_prints() -> None:
    """Write what the step printed and Python still buffers."""
    for stream in (sys.__stdout__, sys.__stderr__):
        try:
            stream.flush()  # type: ignore[union-attr]
        except (OSError, ValueError, AttributeError):  # closed, or no stream
            continue


def write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def capture_logging(channel: Channel) -> None:
    """Send the records of ``logging`` to the step's log, once: handlers that print are removed."""
    root = logging.getLogger()
    known = root.manager.loggerDict.values()
    loggers = [root, *(item for item in known if isinstance(item, logging.Logger))]
    handler = _StepLogHandler(channel)
    for logger in loggers:
        for printing in [each for each in logger.handlers if type(each) is logging.StreamHandler]:
            logger.removeHandler(printing)
        if logger is root or not logger.propagate:  # its records go no further
            logger.addHandler(handler)
    root.setLevel(min(root.level or logging.INFO, logging.INFO))


def _hidden(record: logging.LogRecord, hide: Redactor) -> logging.LogRecord:
    """The record, without secrets in its message and its traceback."""
    try:
        text = record.getMessage()
    except Exception:  # its handlers say so
        text = str(record.msg)
    if hide.is_in(text):
        record.msg, record.args = hide(text), None
    if record.exc_info:
        text = logging.Formatter().formatException(record.exc_info)
        if hide.is_in(text):
            record.exc_info, record.exc_text = None, hide(text)
    return record


class _StepLogHandler(logging.Handler):
    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self._channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._channel.log(self.format(record), _nearest_level(record.levelno))
        except Exception:
            self.handleError(record)


def _nearest_level(number: int) -> str:
    names = [(getattr(logging, name.upper()), name) for name in LEVELS]
    return max((level for level in names if level[0] <= number), default=names[0])[1]
