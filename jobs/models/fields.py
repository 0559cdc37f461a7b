"""Columns of our own."""

from __future__ import annotations

import json
from typing import Any

from django.db import models

_encode = json.JSONEncoder(allow_nan=False).encode


class JSONText(models.JSONField):
    """JSON kept as its very text: numbers and the order of keys come back alike everywhere."""

    def get_internal_type(self) -> str:
        return "TextField"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> str | None:
        return None if value is None else _encode(value)
