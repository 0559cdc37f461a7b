"""Values to JSON and back: ``encode`` what a form understood, ``decode`` what a step gets."""

from __future__ import annotations

import base64
import importlib
import ipaddress
import math
import pathlib
import uuid
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import reduce
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model, QuerySet  # of the user's own tables
from django.forms.fields import JSONString
from django.utils.safestring import SafeString

from ..text import clean
from .coded import CannotBeKept, Coded, Lost
from .moments import decode_moment, encode_moment
from .readable import object_name, plain, words

__all__ = ["CannotBeKept", "Coded", "Lost", "decode", "encode", "plain", "words"]

DEEPEST = 100  # levels of lists and dicts
EXACT = 2**53  # larger whole numbers are not exact for JSON readers that have only floats
SECRET = {"$secret": None}  # stands for a value that is kept elsewhere, and sealed
SHOWN = 20  # objects of a long queryset whose text is kept


# --- keeping --------------------------------------------------------------------------------------


def encode(value: Any) -> Coded:
    """*value* as strict JSON. Raises CannotBeKept."""
    return _encode(value, 0)


def _encode(value: Any, depth: int) -> Coded:
    if depth > DEEPEST:
        raise CannotBeKept(f"it is nested more than {DEEPEST} deep")
    kind = type(value)
    if kind in (bool, str) or value is None:
        return value
    if kind is int:
        return _encode_int(value)
    if kind is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if kind is list:
        return [_encode(item, depth + 1) for item in value]
    if kind in (tuple, set, frozenset):
        return {f"${kind.__name__}": [_encode(item, depth + 1) for item in value]}
    if kind is dict:
        pairs = value.items()
        return {"$dict": [[_encode(k, depth + 1), _encode(v, depth + 1)] for k, v in pairs]}
    if kind in _TEXTS:
        return {f"${kind.__name__}": str(value)}
    return _encode_other(value, depth)


def _encode_int(value: int) -> Coded:
    if -EXACT <= value <= EXACT:
        return value
    try:
        return {"$int": str(value)}
    except ValueError as error:  # of thousands of digits
        raise CannotBeKept(str(error)) from error


def _encode_other(value: Any, depth: int) -> Coded:
    kind = type(value)
    if kind is date:
        return {"$date": value.isoformat()}
    if kind in (datetime, time):
        return {f"${kind.__name__}": encode_moment(value)}
    if kind is timedelta:
        return {"$timedelta": [value.days, value.seconds, value.microseconds]}
    if kind is bytes:
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, Enum):
        return {"$enum": [*_place_of(kind), _encode(value.value, depth + 1)]}
    if isinstance(value, QuerySet):
        return {"$queryset": _encode_selection(value, depth)}
    if isinstance(value, Model):
        return {"$object": _encode_object(value, depth)}
    raise CannotBeKept(
        f"a value of type {kind.__module__}.{kind.__qualname__} would not come back equal"
    )


def _place_of(kind: type) -> tuple[str, str]:
    """Module and name of an enumeration, by which ``decode`` finds it."""
    place = kind.__module__, kind.__qualname__
    try:
        found = _class_at(*place)
    except Lost:
        found = None
    if found is not kind:
        raise CannotBeKept(f"{'.'.join(place)} cannot be found by its name")
    return place


def _encode_selection(rows: QuerySet[Any], depth: int) -> dict[str, Any]:
    keys = [_encode_object(row, depth, with_text=at < SHOWN) for at, row in enumerate(rows)]
    objects = [{"pk": key["pk"], "text": key["text"]} for key in keys]
    return {"model": rows.model._meta.label_lower, "db": rows.db, "objects": objects}


def _encode_object(row: Any, depth: int, with_text: bool = True) -> dict[str, Any]:
    if not isinstance(row, Model):
        raise CannotBeKept("a query that gives no objects would not come back equal")
    if row._state.adding or row.pk is None:
        raise CannotBeKept(f"this {row._meta.verbose_name} is not in the database yet")
    return {
        "model": row._meta.label_lower,
        "db": row._state.db,
        "pk": _encode(row.pk, depth + 1),
        "text": _text_of(row) if with_text else "",
    }


def _text_of(row: Model) -> str:
    try:
        return clean(str(row))[:200]
    except Exception:  # a model's __str__ may raise anything
        return ""


# --- reading back ---------------------------------------------------------------------------------


def decode(coded: Coded) -> Any:
    """The value that was kept; objects are fetched from the database. Raises Lost."""
    if isinstance(coded, list):
        return [decode(item) for item in coded]
    if not isinstance(coded, dict):
        return coded
    [(tag, content)] = coded.items()
    if tag not in _DECODERS:
        raise Lost(f"this release does not know values of the type {tag[1:]}")
    return _DECODERS[tag](content)


def _lose_secret(content: None) -> Any:
    raise Lost("it is secret, and was not kept")


def _decode_enum(content: list[Any]) -> Any:
    module, name, coded = content
    try:
        return _class_at(module, name)(decode(coded))
    except ValueError as error:
        raise Lost(str(error)) from error


def _class_at(module: str, name: str) -> type[Enum]:
    try:
        found = reduce(getattr, name.split("."), importlib.import_module(module))
    except (ImportError, AttributeError) as error:
        raise Lost(f"there is no {module}.{name}") from error
    if not (isinstance(found, type) and issubclass(found, Enum)):
        raise Lost(f"{module}.{name} is not an enumeration")
    return found


def _decode_object(content: dict[str, Any]) -> Model:
    key = decode(content["pk"])
    try:
        row: Model = _rows(content).get(pk=key)
    except ObjectDoesNotExist:
        raise Lost(
            f"{object_name(content['model'], content)} is no longer in the database"
        ) from None
    return row


def _decode_selection(content: dict[str, Any]) -> QuerySet[Any]:
    """The objects as an evaluated queryset, in the order in which they were chosen."""
    rows = _rows(content)
    if not content["objects"]:
        return rows.none()
    keys = [decode(each["pk"]) for each in content["objects"]]
    chosen = rows.filter(pk__in=keys)
    found = {row.pk: row for row in chosen}
    gone = [
        object_name(content["model"], each)
        for key, each in zip(keys, content["objects"], strict=True)
        if key not in found
    ]
    if gone:
        more = f" and {len(gone) - 3} more" if len(gone) > 3 else ""
        names = ", ".join(gone[:3]) + more
        raise Lost(f"{names} {'is' if len(gone) == 1 else 'are'} no longer in the database")
    chosen._result_cache = [found[key] for key in keys]
    return chosen


def _rows(content: dict[str, Any]) -> QuerySet[Any]:
    """All rows of the model, in the database from which they were read."""
    label, alias = content["model"], content["db"]
    try:
        model = apps.get_model(label)
    except LookupError as error:
        raise Lost(f"no installed app has the model {label}") from error
    if alias not in settings.DATABASES:
        raise Lost(f"the settings name no database {alias}")
    rows: QuerySet[Any] = model._base_manager.using(alias)
    return rows


_TEXTS: dict[type, Callable[[str], Any]] = {
    kind: kind
    for kind in (
        Decimal,
        uuid.UUID,
        JSONString,
        SafeString,
        pathlib.PosixPath,
        pathlib.PurePosixPath,
        ipaddress.IPv4Address,
        ipaddress.IPv6Address,
        ipaddress.IPv4Network,
        ipaddress.IPv6Network,
        ipaddress.IPv4Interface,
        ipaddress.IPv6Interface,
    )
}
_DECODERS: dict[str, Callable[[Any], Any]] = {
    "$secret": _lose_secret,
    "$int": int,
    "$float": float,
    "$tuple": lambda items: tuple(map(decode, items)),
    "$set": lambda items: set(map(decode, items)),
    "$frozenset": lambda items: frozenset(map(decode, items)),
    "$dict": lambda pairs: {decode(key): decode(value) for key, value in pairs},
    "$date": date.fromisoformat,
    "$datetime": lambda content: decode_moment(datetime, content),
    "$time": lambda content: decode_moment(time, content),
    "$timedelta": lambda parts: timedelta(*parts),
    "$bytes": base64.b64decode,
    "$enum": _decode_enum,
    "$object": _decode_object,
    "$queryset": _decode_selection,
    **{f"${kind.__name__}": make for kind, make in _TEXTS.items()},
}
