"""Why a database cannot be used, in words."""

from __future__ import annotations

from enum import Enum


class Outage(Enum):
    """Why a database cannot be used: what is wrong with it, and what to do."""

    BUSY = "is busy", "Try again. If this persists, look for a process that keeps it locked."
    FULL = "is full", "Free some space where it is stored; running steps then continue."
    READ_ONLY = (
        "is read-only",
        "Let this user write to the file and its directory, or use the server that takes writes; "
        "running steps then continue.",
    )
    AWAY = "cannot be reached", "Start it, or correct DATABASES; running steps then continue."
    EMPTY = "lacks its tables or functions", "Is it or this release new? Run: {migrate}"
    OTHER = "refused this", "Nothing was written; the database's log may say more."

    def __init__(self, what: str, remedy: str) -> None:
        self.what = what
        self.remedy = remedy

    @property
    def blocks_every_write(self) -> bool:
        """Whether any other write would fail now, too, each after as long a wait."""
        return self in (Outage.BUSY, Outage.AWAY)
