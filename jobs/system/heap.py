"""Keeps what a process will never free out of Python's garbage collections."""

from __future__ import annotations

import gc


def freeze() -> None:
    """Exclude every object that exists now. Call it once, when everything is imported.

    Django with its admin is more than a hundred thousand objects. Scanning them over and over
    stops all threads of a busy process for 100 ms at a time, several times a minute.
    """
    gc.collect()
    gc.freeze()
