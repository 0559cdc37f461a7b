"""Ctrl-C, SIGTERM and a closed terminal, as the commands understand them."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

from .terminal import on_hangup


class Interrupts:
    """Counts Ctrl-C and SIGTERM, and knows whether the terminal was closed."""

    def __init__(self) -> None:
        self.count = 0
        self.has_hung_up = False
        on_hangup(self._hang_up)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._interrupt)

    def _interrupt(self, *_: Any) -> None:
        self.count += 1

    def _hang_up(self) -> None:
        self.has_hung_up = True  # the shell may pass on the same hangup: it never counts twice


class StopSignals(Interrupts):
    """For a command that runs until it is stopped: a closed terminal stops it, too."""

    def __init__(self, react: Callable[[int], None] = lambda count: None) -> None:
        """*react* is called in the signal handler, with the number of signals so far."""
        self._react = react
        super().__init__()

    def _interrupt(self, *_: Any) -> None:
        super()._interrupt()
        self._react(self.count)

    def _hang_up(self) -> None:
        if not self.count:  # it often comes together with SIGTERM
            self._interrupt()
