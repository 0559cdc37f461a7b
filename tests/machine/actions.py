"""What may happen, and how often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
ACTIONS: dict[str, Action] = {}


def action(of: str = "", *, when: str = "", weight: int = 1, **sizes: int) -> Callable[[F], F]:
    """Something that may happen. Its numbers are chosen below *sizes*; *of* names the list from
    which its first argument is picked. It cannot happen while that is empty or *when* is false.
    """

    def mark(function: F) -> F:
        ACTIONS[function.__name__] = Action(
            function, of, when or of, weight, ({"pick": 12} if of else {}) | sizes
        )
        return function

    return mark


@dataclass
class Action:
    function: Callable[..., Any]
    of: str
    when: str
    weight: int  # how often it is chosen, beside the others
    sizes: dict[str, int]
