"""New rows as plain records, and the values that the database takes for them.

A worker makes several for each step, and model instances cost more. The fields of a record are the
columns of ``Transition`` or ``Attempt``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, TypeAlias

from django.db.models import DateTimeField, Field, JSONField, Model, UUIDField

from .. import database
from ..statuses import Kind, Verdict

Row: TypeAlias = "dict[str, Any]"  # by column, as the database driver takes them
Columns: TypeAlias = "dict[str, Field[Any, Any] | None]"  # a field where values are converted

_CONVERTED = (DateTimeField, JSONField, UUIDField)


@dataclass(slots=True, kw_only=True)
class Entry:
    """A journal entry that is not written yet."""

    job_id: int
    seq: int
    tag: str
    kind: Kind
    step_id: int | None = None
    attempt: int = 0
    from_status: str = ""
    to_status: str = ""
    at: datetime
    actor: str
    source: str
    code: str
    data: Mapping[str, Any]
    reason: str


@dataclass(slots=True, kw_only=True)
class AttemptRow:
    """An attempt as it begins or ends in a batch."""

    step_id: int
    number: int
    worker_id: int | None
    started_at: datetime
    ended_at: datetime | None = None
    verdict: Verdict | str = ""
    result: Any = None
    error: str = ""
    traceback: str = ""
    exit_code: int | None = None
    peak_memory: int | None = None
    peak_is_shared: bool = False
    cpu_seconds: float | None = None


def row_of(record: Any, model: type[Model], names: Sequence[str] = ()) -> Row:
    """These columns of a record of the model's table, or all that an INSERT fills."""
    row = {}
    for name, field in columns_of(model, names).items():
        value = getattr(record, name)
        row[name] = value if field is None or value is None else _converted(value, field)
    return row


def _converted(value: Any, field: Field[Any, Any]) -> Any:
    if isinstance(value, datetime):
        return _moment(value, database.alias())
    return field.get_db_prep_save(value, database.connection)


@lru_cache(maxsize=20)
def _moment(value: datetime, using: str) -> Any:
    """A moment as the database has it. All rows of a batch have the same one."""
    return database.connection.ops.adapt_datetimefield_value(value)


@cache
def columns_of(model: type[Model], names: Sequence[str] = ()) -> Columns:
    """The columns of these names, or all that an INSERT fills."""
    fields = {field.attname: field for field in model._meta.concrete_fields}
    chosen = names or [name for name, field in fields.items() if not field.primary_key]
    return {name: fields[name] if isinstance(fields[name], _CONVERTED) else None for name in chosen}
