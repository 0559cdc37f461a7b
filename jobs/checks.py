"""What is wrong with the configuration, said before the first job: ``manage.py check``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from . import conf, database, definitions
from .exceptions import DatabaseUnsafe


@register(Tags.compatibility)
def check_definitions(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Each broken definition, by file, class and step."""
    return [
        Error(f"{definitions.where(cls)}: {problem}.", id="truestep.E001")
        for cls, problem in definitions.problems()
    ]


@register(Tags.compatibility)
def check_knobs(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Each unknown or malformed entry of the TRUESTEP setting."""
    try:
        import_string(conf.knobs().engine)
    except ImproperlyConfigured as error:
        return [Error(str(error), id="truestep.E002")]
    except ImportError as error:
        return [Error(f"TRUESTEP['engine']: {error}", id="truestep.E002")]
    return []


@register(Tags.database)
def check_sqlite(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """A SQLite whose file several processes cannot safely share."""
    try:
        database.require_sound()
    except DatabaseUnsafe as error:
        return [Error(str(error), id="truestep.E003")]
    return []
