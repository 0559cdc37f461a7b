"""What a launch may ask for: that only so many jobs with one key run at a time."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_KEY = 200  # characters
MOST_AT_ONCE = 1000

QUEUE, REFUSE, JOIN = "queue", "refuse", "join"
WHEN_HELD = (QUEUE, REFUSE, JOIN)


@dataclass(frozen=True, kw_only=True)
class Concurrency:
    """At most *at_most* unfinished jobs hold *key* at a time; others wait for it.

    *when_held* says what a launch does that cannot have the key: ``queue``, the job waits in line;
    ``refuse``, the launch raises KeyHeld; ``join``, it returns the job that holds the key.
    Raises ValueError for values that cannot be.
    """

    key: str
    at_most: int = 1
    when_held: str = QUEUE

    def __post_init__(self) -> None:
        is_text = isinstance(self.key, str) and self.key.isprintable()
        if not (is_text and 0 < len(self.key) <= LONGEST_KEY):
            raise ValueError(
                f"key={self.key!r} must be text of 1 to {LONGEST_KEY} printable characters."
            )
        if type(self.at_most) is not int or not 1 <= self.at_most <= MOST_AT_ONCE:
            raise ValueError(
                f"at_most={self.at_most!r} must be a whole number from 1 to {MOST_AT_ONCE}."
            )
        if self.when_held not in WHEN_HELD:
            raise ValueError(f"when_held={self.when_held!r} must be one of {', '.join(WHEN_HELD)}.")
