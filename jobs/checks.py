"""What is wrong with the configuration, said before the first job: ``manage.py check``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.utils.module_loading import import_string

from . import conf, definitions

# (branch, first release of it without the bug); anything after the last one is sound.
_WAL_RESET_FIXES = {(3, 44): (3, 44, 6), (3, 50): (3, 50, 7)}
_WAL_RESET_FIXED = (3, 51, 3)


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
    """A SQLite that can corrupt a WAL database which two processes write."""
    if connection.vendor != "sqlite":
        return []
    library = connection.Database  # type: ignore[attr-defined]
    version = library.sqlite_version_info
    fixed = _WAL_RESET_FIXES.get(version[:2], _WAL_RESET_FIXED)
    if version >= fixed:
        return []
    return [
        Warning(
            f"SQLite {library.sqlite_version} has the WAL-reset bug: rarely, two "
            "processes that write at the same moment corrupt the database.",
            hint="pip install pysqlite3 (project/settings.py uses it when it is there), or use "
            "a Python with SQLite 3.51.3 or later.",
            id="truestep.W001",
        )
    ]
