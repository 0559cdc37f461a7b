"""Where a running step is: the stack of its process, without what Truestep itself called."""

from __future__ import annotations

import linecache
import os
from collections.abc import Sequence
from typing import Any

from .. import runner
from ..system.frames import CannotRead, Frame
from ..system.stacks import stacks_of
from ..text import visible
from .handle import RunningAttempt

SOURCE = 200  # characters of a line
SOURCE_BYTES = 2**21  # of a file that is read for one of its lines
_RUN_STEP = runner.run_step.__code__


def answer_about(attempt: RunningAttempt, main_thread: int) -> dict[str, Any]:
    """What ``sight.stacks`` reads. It never raises: whatever the step does, its worker goes on."""
    said: dict[str, Any] = {"attempt": attempt.claim.attempt}
    try:
        first, *others = stacks_of(attempt.slot.pid, main_thread)
    except CannotRead as error:
        return said | {"problem": f"The stack cannot be read: {error}."}
    own = _of_step(first)
    if not own:
        return said | {"problem": "None of the step's code runs now: it begins, or has ended."}
    return said | {"threads": [[_call(frame) for frame in each] for each in (own, *others)]}


def _of_step(frames: Sequence[Frame]) -> list[Frame]:
    """The calls inside the step; all that were read if there are too many of them."""
    for place, frame in enumerate(frames):
        if (frame.file, frame.function) == (_RUN_STEP.co_filename, _RUN_STEP.co_qualname):
            return list(frames[:place])
    return list(frames)


def _call(frame: Frame) -> list[Any]:
    source = visible(_source(frame.file, frame.line).strip())[:SOURCE]
    return [visible(frame.file), frame.line, visible(frame.function), source]


def _source(file: str, line: int) -> str:
    """The line of a file; empty where that is no source, which might be read without end."""
    try:
        is_small = os.path.isfile(file) and os.path.getsize(file) <= SOURCE_BYTES
    except (OSError, ValueError):
        return ""
    if not is_small or not file.endswith(".py"):
        return ""
    linecache.checkcache(file)
    return linecache.getline(file, line)
