"""Columns of our own, and what a foreign key does."""

from __future__ import annotations

import json
from typing import Any

from django.db import models
from django.db.models.deletion import Collector

_encode = json.JSONEncoder(allow_nan=False).encode


class JSONText(models.JSONField):
    """JSON kept as its very text: numbers and the order of keys come back alike everywhere."""

    def get_internal_type(self) -> str:
        return "TextField"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> str | None:
        return None if value is None else _encode(value)


def cascade_first(
    collector: Collector, field: models.ForeignKey[Any, Any], rows: Any, using: str
) -> None:
    """As ``CASCADE``, for a column that may be NULL: delete its rows first, as those of any other.

    Django leaves the order to chance there, since foreign keys are checked at COMMIT. Those of the
    journal are checked with each statement on PostgreSQL.
    """
    collector.collect(
        rows, source=field.remote_field.model, source_attr=field.name, fail_on_restricted=False
    )
