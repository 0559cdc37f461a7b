"""Reads the Python stack of a process that was forked from this one, from its memory.

The process takes no part in it: it is not stopped, gets no signal and runs no code. So it may hang
in C, hold the GIL or handle signals as it likes, and nothing in it changes.

A fork has the interpreter and its main thread at the same addresses. Where the interpreter keeps
what is looked for differs from release to release, so it is found out here, in this process whose
stack is known: ``layout()`` looks for known values, and then reads this very stack to see whether
that works.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from types import FrameType

from .frames import GARBAGE, HEAD, WORD, CannotRead, Frame, Layout, Memory

MOST_THREADS = 20
_F_FRAME = HEAD + WORD  # of a frame object: the interpreter's own frame
_SCANNED = 512  # bytes of a structure in which a value is looked for
_LINE = 123_457  # hardly the value of anything else
_OWN = (__file__, sys.modules[Frame.__module__].__file__)


def thread_state() -> int:
    """Where the interpreter keeps this thread, and in each fork its main thread."""
    get = ctypes.pythonapi.PyThreadState_Get
    get.restype = ctypes.c_void_p
    return int(get())


def stacks_of(pid: int, main_thread: int) -> list[list[Frame]]:
    """The stacks of the threads of a fork, innermost call first, its main thread's first.

    *main_thread* is the ``thread_state`` of the thread that began the forks. Raises CannotRead.
    """
    its = layout()
    try:
        with Memory(pid) as memory:
            stacks = [its.stack(memory, main_thread)]
            for thread in _others(memory, main_thread):
                with suppress(CannotRead):  # it has just ended
                    stacks.append(its.stack(memory, thread))
    except (FileNotFoundError, ProcessLookupError):
        raise CannotRead("the process has ended") from None
    except PermissionError:
        raise CannotRead("the system does not let a process read another one's memory") from None
    return stacks


def _others(memory: Memory, main_thread: int) -> list[int]:
    """The other threads: each knows the one before it, and newer ones are put before older ones."""
    found: list[int] = []
    for link in (0, WORD):
        thread = main_thread
        with suppress(*GARBAGE):
            while (thread := memory.word(thread + link)) and len(found) < MOST_THREADS:
                found.append(thread)
    return found


@cache
def layout() -> Layout:
    """The layout of this interpreter. Raises CannotRead when it is not found, or does not work."""
    unknown = CannotRead(f"where Python {sys.version.split()[0]} keeps its stack is not known")
    try:
        with Memory(os.getpid()) as memory:
            found = _find(memory)
            seen = [each for each in found.stack(memory, thread_state()) if each.file not in _OWN]
            known = [each for each in _known(sys._getframe()) if each.file not in _OWN]
    except (CannotRead, StopIteration, *GARBAGE):
        raise unknown from None
    if not seen or seen != known[: len(seen)]:
        raise unknown
    return found


def _known(frame: FrameType | None) -> Iterator[Frame]:
    while frame:
        yield Frame(frame.f_code.co_filename, frame.f_lineno or 0, frame.f_code.co_qualname)
        frame = frame.f_back


def _find(memory: Memory) -> Layout:
    """Raises StopIteration or ValueError when a value is not where it is looked for."""

    def caller() -> Layout:
        return called()

    def called() -> Layout:
        here = sys._getframe()
        its = here.f_back
        assert its
        inner, outer = memory.word(id(here) + _F_FRAME), memory.word(id(its) + _F_FRAME)
        frame, code = memory.words(outer, 16 * WORD), its.f_code
        instruction = next(each for each in frame if 0 < each - id(code) < code.__sizeof__())
        parts = memory.words(id(code), _SCANNED)
        moved = code.replace(co_firstlineno=_LINE)
        numbers = memory.bytes(id(moved), type(moved).__basicsize__)
        return Layout(
            current=_way_to_innermost(memory),
            code=WORD * frame.index(id(code)),
            previous=WORD * memory.words(inner, 16 * WORD).index(outer),
            instruction=WORD * frame.index(instruction),
            file=WORD * parts.index(id(code.co_filename)),
            function=WORD * parts.index(id(code.co_qualname)),
            first_line=numbers.index(_LINE.to_bytes(4, sys.byteorder)),
            lines=WORD * parts.index(id(code.co_linetable)),
            first_instruction=instruction - id(code) - its.f_lasti,
            kind=_bits_before_kind(memory),
            ascii=sys.getsizeof("") - 1,
            wide=sys.getsizeof(chr(257)) - 4,  # made now: it has no copy as UTF-8
        )

    return caller()


def _way_to_innermost(memory: Memory) -> tuple[int, ...]:
    """From a thread to its innermost frame: now that of this function, which calls no other one."""
    here, thread, fd = memory.word(id(sys._getframe()) + _F_FRAME), thread_state(), memory.fd
    data = os.pread(fd, _SCANNED, thread)
    for at in range(0, len(data), WORD):
        word = int.from_bytes(data[at : at + WORD], sys.byteorder)
        if word == here:
            return (at,)
        for step in (0, WORD):  # by way of a small structure of older releases
            try:
                pointed = os.pread(fd, WORD, word + step)
            except GARBAGE:
                continue
            if int.from_bytes(pointed, sys.byteorder) == here:
                return (at, step)
    raise ValueError("a thread does not lead to its frame")


def _bits_before_kind(memory: Memory) -> int:
    """Four bits further, a str says whether it is ASCII."""
    samples = [
        ("a" * 40, 1, 1),
        ("\xe9" * 40, 1, 0),
        ("\u0100" * 40, 2, 0),
        ("\U0001d11e" * 40, 4, 0),
    ]
    for bits in range(16):
        for text, kind, is_ascii in samples:
            state = int.from_bytes(memory.bytes(id(text) + 2 * HEAD, 4), sys.byteorder)
            if (state >> bits & 7, state >> bits + 4 & 1) != (kind, is_ascii):
                break
        else:
            return bits
    raise ValueError("a str does not say its kind")
