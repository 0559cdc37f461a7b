"""Upkeep: chores that any worker does, whichever gets to them first.

A chore finds what no one else would move on, such as the steps of a dead worker. To add one, write
a module with a class that satisfies ``Chore``, and list the class in ``sweep.CHORES``.
"""

from .sweep import Sweep

__all__ = ["Sweep"]
