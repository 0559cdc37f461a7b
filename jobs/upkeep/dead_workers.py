"""Records the end of workers that died without deregistering."""

from __future__ import annotations

import time
from collections.abc import Collection

from .. import workers
from ..orchestrator import Claimant


class DeadWorkers:
    """A chore. It also counts the leases of the workers that this process watches."""

    is_idle = False  # a worker that dies commits nothing

    def __init__(self, claimant: Claimant) -> None:
        self.due_at = 0.0

    def run(self, held: Collection[int]) -> None:
        workers.mark_dead_workers()
        self.due_at = time.monotonic() + workers.next_expiry()
