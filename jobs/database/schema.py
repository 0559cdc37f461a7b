"""Whether the migrations of this release are applied."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from ..exceptions import MigrationsMissing
from .routing import LABEL, connection, migrate_command


def require() -> None:
    """Raises MigrationsMissing, naming them, unless the database has every migration."""
    applied = MigrationRecorder(connection).applied_migrations()
    if missing := [name for name in _names() if (LABEL, name) not in applied]:
        raise MigrationsMissing(missing, migrate_command())


@cache
def _names() -> list[str]:
    """Of this release's migrations, in order; none where the project's settings switch them off."""
    module, _ = MigrationLoader.migrations_module(LABEL)
    if module is None:
        return []
    found = iter_modules(import_module(module).__path__)
    return sorted(each.name for each in found if each.name[0] not in "_~")
