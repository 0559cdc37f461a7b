"""A Python stack as it lies in the memory of a process, and how to read it there."""

from __future__ import annotations

import os
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass
from types import CodeType
from typing import NamedTuple

MOST_FRAMES = 100  # of a thread, the innermost ones
TRIES = 20  # a process that runs changes while it is read
WORD = struct.calcsize("P")
HEAD = 2 * WORD  # of an object: its reference count and its type; then comes a str's length
TEXT_BYTES = 2000
GARBAGE = OSError, ValueError, OverflowError, MemoryError, KeyError, struct.error, IndexError
_BYTES = bytes.__basicsize__ - 1  # of a bytes object before its contents
_SHIM = "<shim>"  # the file of the interpreter's own frames, in Python 3.12
_NONE, _LONG, _NO_COLUMNS = 15, 14, 13  # kinds of entries in a table of lines


class CannotRead(Exception):
    """Why the stack of a process cannot be read, as a clause."""


class Frame(NamedTuple):
    """One call in a stack."""

    file: str
    line: int  # 0: unknown
    function: str


class _Raw(NamedTuple):
    """A frame as it lies in memory."""

    address: int
    code: int
    instruction: int


class Memory:
    """The memory of a process. What cannot be read raises OSError or ValueError."""

    def __init__(self, pid: int) -> None:
        self.fd = os.open(f"/proc/{pid}/mem", os.O_RDONLY)

    def __enter__(self) -> Memory:
        return self

    def __exit__(self, *error: object) -> None:
        os.close(self.fd)

    def bytes(self, address: int, count: int) -> bytes:
        data = os.pread(self.fd, count, address)
        if len(data) < count:
            raise ValueError("the memory ends here")
        return data

    def word(self, address: int) -> int:
        return int.from_bytes(self.bytes(address, WORD), sys.byteorder)

    def words(self, address: int, count: int) -> list[int]:
        """As many as can be read."""
        data = os.pread(self.fd, count, address)
        return [each for (each,) in struct.iter_unpack("P", data[: len(data) // WORD * WORD])]


@dataclass(frozen=True)
class Layout:
    """Where this release of the interpreter keeps what is read: bytes from a structure's begin."""

    current: tuple[int, ...]  # from a thread: steps to its innermost frame
    code: int  # of a frame
    previous: int
    instruction: int
    file: int  # of code
    function: int
    first_line: int
    lines: int
    first_instruction: int
    kind: int  # bits of a str before its kind
    ascii: int  # bytes of a str before its text
    wide: int  # … if not all of that is ASCII

    def stack(self, memory: Memory, thread: int) -> list[Frame]:
        """The calls of a thread, innermost first; of one that runs, those that lasted longer.

        Raises CannotRead.
        """
        best: list[Frame] = []
        for _ in range(TRIES):
            with suppress(*GARBAGE):
                found = self._frames(memory, thread)
                frames = [self._frame(memory, raw) for raw in found]
                lasting = _in_both(found, self._frames(memory, thread))
                if lasting == len(found):
                    return [each for each in frames if each.file != _SHIM]
                best = max(best, frames[len(frames) - lasting :], key=len)
        if not best:
            raise CannotRead("it was changing all the time")
        return [each for each in best if each.file != _SHIM]

    def _frames(self, memory: Memory, thread: int) -> list[_Raw]:
        address = thread
        for step in self.current:
            address = memory.word(address + step)
        found: list[_Raw] = []
        size = max(self.code, self.previous, self.instruction) + WORD
        while address and len(found) < MOST_FRAMES:
            data = memory.bytes(address, size)
            code, previous, instruction = (
                int.from_bytes(data[at : at + WORD], sys.byteorder)
                for at in (self.code, self.previous, self.instruction)
            )
            if memory.word(code + WORD) == id(CodeType):  # else one of the interpreter's own
                found.append(_Raw(address, code, instruction))
            address = previous
        return found

    def _frame(self, memory: Memory, raw: _Raw) -> Frame:
        first = int.from_bytes(memory.bytes(raw.code + self.first_line, 4), sys.byteorder)
        table = memory.word(raw.code + self.lines)
        length = memory.word(table + HEAD)
        lines = memory.bytes(table + _BYTES, min(length, 2**20))
        unit = (raw.instruction - raw.code - self.first_instruction) // 2
        return Frame(
            self._text(memory, memory.word(raw.code + self.file)),
            line_at(lines, first, unit),
            self._text(memory, memory.word(raw.code + self.function)),
        )

    def _text(self, memory: Memory, address: int) -> str:
        if memory.word(address + WORD) != id(str):
            raise ValueError("not a text")
        length = min(memory.word(address + HEAD), TEXT_BYTES)
        state = int.from_bytes(memory.bytes(address + 2 * HEAD, 4), sys.byteorder)
        kind = state >> self.kind & 7
        is_ascii = state >> self.kind + 4 & 1
        data = memory.bytes(address + (self.ascii if is_ascii else self.wide), length * kind)
        return data.decode({1: "latin-1", 2: "utf-16-le", 4: "utf-32-le"}[kind], "replace")


def _in_both(first: list[_Raw], second: list[_Raw]) -> int:
    """How many of the outermost frames are in both."""
    count = 0
    for one, other in zip(reversed(first), reversed(second), strict=False):
        if one[:2] != other[:2]:
            break
        count += 1
    return count


def line_at(table: bytes, line: int, unit: int) -> int:
    """The line of the instruction *unit*, by a code's table of lines, which begins at *line*."""
    at = place = 0
    while at < len(table):
        kind, length = table[at] >> 3 & 15, (table[at] & 7) + 1
        if kind in (_LONG, _NO_COLUMNS):
            line += _signed(table, at + 1)
        elif 10 <= kind < _NO_COLUMNS:
            line += kind - 10
        if unit < place + length:
            return 0 if kind == _NONE else line
        place += length
        at += 1
        while at < len(table) and not table[at] & 128:
            at += 1
    return 0


def _signed(table: bytes, at: int) -> int:
    value = shift = 0
    while True:
        value |= (table[at] & 63) << shift
        if not table[at] & 64:
            return -(value >> 1) if value & 1 else value >> 1
        at, shift = at + 1, shift + 6
