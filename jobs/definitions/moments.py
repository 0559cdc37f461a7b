"""Dates with times, and times: kept with their zone and their fold, and written for readers."""

from __future__ import annotations

from datetime import datetime, time, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from .coded import CannotBeKept, Coded, Lost


def encode_moment(value: datetime | time) -> list[Any]:
    """What ``decode_moment`` reads. Raises CannotBeKept for a zone of an unknown type."""
    return [value.replace(tzinfo=None).isoformat(), value.fold, _encode_zone(value.tzinfo)]


def decode_moment(kind: type[datetime] | type[time], content: list[Any]) -> Any:
    """The value that was kept. Raises Lost when this system does not know its zone."""
    bare, fold, zone = content
    return kind.fromisoformat(bare).replace(fold=fold, tzinfo=_decode_zone(zone))


def in_iso_format(kind: type[datetime] | type[time], content: list[Any]) -> str:
    """RFC 3339; with the zone's name instead of its offset when this system does not know it."""
    try:
        return str(decode_moment(kind, content).isoformat())
    except Lost:
        bare, _, zone = content
        return f"{bare} {zone}"


def is_ambiguous(content: list[Any]) -> bool:
    """Whether a moment is in the hour that happens twice, when daylight saving time ends."""
    try:
        at = decode_moment(datetime, content)
    except Lost:
        return False
    return bool(at.utcoffset() != at.replace(fold=1 - at.fold).utcoffset())


def _encode_zone(zone: tzinfo | None) -> Coded:
    if zone is None:
        return None
    if type(zone) is ZoneInfo and zone.key:
        return zone.key
    if type(zone) is timezone:
        offset = zone.utcoffset(None)
        name = zone.tzname(None)
        default = timezone(offset).tzname(None)
        return [offset // timedelta(microseconds=1), None if name == default else name]
    raise CannotBeKept(f"a time zone of type {type(zone).__qualname__} would not come back equal")


def _decode_zone(coded: Coded) -> tzinfo | None:
    if coded is None:
        return None
    if isinstance(coded, str):
        try:
            return ZoneInfo(coded)
        except (KeyError, ValueError) as error:
            raise Lost(f"this system knows no time zone {coded}") from error
    microseconds, name = coded
    offset = timedelta(microseconds=microseconds)
    return timezone(offset) if name is None else timezone(offset, name)
