"""How durations and moments are written on the page, in the admin and in the terminal.

Durations are cut off, not rounded, so that no unit is ever full: there is no "1000 ms" and no
"60.0 s". When a clock was set back meanwhile, a duration is 0 and not negative.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime


def duration(seconds: float) -> str:
    """How long it took: ``340 ms``, ``4.2 s``, ``3 min 05 s``, ``2 h 07 min``, ``3 d 04 h``."""
    milliseconds = _milliseconds(seconds)
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    if milliseconds < 60_000:
        return f"{milliseconds // 1000}.{milliseconds % 1000 // 100} s"
    return clock(seconds)


def clock(seconds: float) -> str:
    """For how long something has been running, in full seconds, as the page counts it."""
    minutes, rest = divmod(_milliseconds(seconds) // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours:02} h"
    if hours:
        return f"{hours} h {minutes:02} min"
    if minutes:
        return f"{minutes} min {rest:02} s"
    return f"{rest} s"


def setting(seconds: float) -> str:
    """A number of seconds in the settings, exactly: ``0.3 s``, ``15 s``, ``5 min 00 s``."""
    return f"{seconds:g} s" if seconds < 60 else clock(seconds)


def about(seconds: float, *, rounds_up: bool = False) -> str:
    """A duration in plain words: ``under 1 s``, ``40 s``, ``12 min``, ``2 h 10 min``, ``3 d``."""
    whole = math.ceil if rounds_up else round
    if seconds < 1:
        return "under 1 s"
    if (full := whole(seconds)) < 100:
        return f"{full} s"
    if (minutes := whole(seconds / 60)) < 100:
        return f"{minutes} min"
    tens = whole(seconds / 600)
    if tens < 48 * 6:
        return f"{tens // 6} h" + (f" {tens % 6}0 min" if tens % 6 else "")
    return f"{whole(seconds / 86400)} d"


def local(at: datetime) -> str:
    """A moment for the terminal, with its zone; with its date when that is not today's."""
    at = at.astimezone()
    is_today = at.date() == datetime.now().astimezone().date()
    return f"{at:%H:%M:%S}{'' if is_today else f' on {at:%Y-%m-%d}'} {zone(at)}"


def zone(at: datetime) -> str:
    """The zone of the terminal at that moment: ``UTC`` or, for example, ``UTC+05:45``."""
    offset = at.astimezone().isoformat()[-6:]  # strftime writes it without a colon
    return f"UTC{offset}".removesuffix("+00:00")


def rfc3339(at: datetime) -> str:
    """A moment for programs, in UTC, to the microsecond: ``2026-01-02T01:04:05.000006Z``."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _milliseconds(seconds: float) -> int:
    return max(0, round(seconds * 1000))
