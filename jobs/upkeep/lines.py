"""Gives concurrency keys on that nobody has given on."""

from __future__ import annotations

import math
from collections.abc import Collection
from contextlib import suppress

from .. import orchestrator
from ..journal import Collision
from ..models import lines_behind
from ..orchestrator import Claimant

MOST_LOOKED_AT = 1000  # keys in one run; the next run continues behind them


class Lines:
    """A chore: a key is free and jobs wait for it, because its holder was deleted or the process
    was killed that ended it.
    """

    due_at = math.inf

    def __init__(self, claimant: Claimant) -> None:
        self.is_idle = False
        self._looked_at = ""  # the last key

    def run(self, held: Collection[int]) -> None:
        found = lines_behind(self._looked_at, MOST_LOOKED_AT)
        for key, is_free in found:
            if is_free:
                with suppress(Collision):  # others give it on at the same moment
                    orchestrator.hand_over(key)
        self.is_idle = not found and not self._looked_at
        self._looked_at = found[-1][0] if len(found) == MOST_LOOKED_AT else ""
