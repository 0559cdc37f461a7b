"""Keeps what a process will never free out of Python's garbage collections, and cheap to fork."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from pathlib import Path

HUGE_PAGE = 2 * 1024 * 1024
_MADV_COLLAPSE = 25
_C = ctypes.CDLL(None)


def collect_seldom() -> None:
    """For a process with a thousand sockets: each collection would go over the objects of many.

    Collecting after every 700 new objects, as Python does, takes a tenth of its time.
    """
    gc.set_threshold(20_000, 20, 50)


def freeze() -> None:
    """Exclude every object that exists now. Call it once, when everything is imported.

    Django with its admin is more than a hundred thousand objects. Scanning them over and over
    stops all threads of a busy process for 100 ms at a time, several times a minute.
    """
    gc.collect()
    gc.freeze()


def use_huge_pages() -> None:
    """Put what is in the heap now into huge pages, as far as the kernel can (Linux 6.1).

    A fork copies a table with an entry for each page, and its end takes each entry back. A huge
    page has one entry instead of 512.
    """
    if sys.platform == "linux":
        for start, end in _writable():
            first, last = -(-start // HUGE_PAGE) * HUGE_PAGE, end // HUGE_PAGE * HUGE_PAGE
            if first < last:  # refused where the kernel has no such pages, or none left
                _C.madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), _MADV_COLLAPSE)


def _writable() -> Iterator[tuple[int, int]]:
    """The addresses of this process's own memory, without files."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        addresses, rights, _, _, _, *name = line.split(maxsplit=5)
        if rights.startswith("rw") and name in ([], ["[heap]"]):
            start, end = addresses.split("-")
            yield int(start, 16), int(end, 16)
