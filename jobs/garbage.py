"""What a process keeps for good is kept out of Python's garbage collections, too."""

from __future__ import annotations

import gc


def spare_what_stays() -> None:
    """Never collect what is there now. To be called once, when everything is imported.

    Django with its admin is a hundred thousand objects and more; to look through them again and
    again stops all threads of a busy process for 100 ms at a time, several times a minute.
    """
    gc.collect()
    gc.freeze()
