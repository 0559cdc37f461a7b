"""The Django application: its label and tables are ``truestep``, wherever the package lives."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.module_loading import import_string


class TruestepConfig(AppConfig):
    name = __package__
    label = "truestep"
    verbose_name = "Truestep"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks, code_version, definitions  # noqa: F401  (checks register themselves)
        from .database.routing import route
        from .live import access

        route()
        _prepare_engine()
        definitions.autodiscover()
        code_version.checked_out()  # now: these files are what the process runs
        access.connect_signals()
        pre_migrate.connect(_prepare, sender=self)
        post_migrate.connect(_install, sender=self)


def _prepare_engine() -> None:
    """The embedded engine has nothing to prepare: a web process need not load it."""
    from . import conf

    with suppress(ImproperlyConfigured, ImportError):  # ``manage.py check`` says what is wrong
        if not conf.is_embedded():
            import_string(conf.engine_path())().prepare()


def _prepare(using: str, plan: Sequence[tuple[Any, bool]], **kwargs: Any) -> None:
    """Before migrations that may rebuild a table, remove triggers: until the end no worker starts.

    A migration that cannot run now says so in its ``before_migrate``, before anything is changed.
    """
    from . import database
    from .database import triggers

    if plan and using == database.alias():
        for migration, is_backwards in plan:
            if hasattr(migration, "before_migrate") and not is_backwards:
                migration.before_migrate(database.connection)
        triggers.remove_before_migrations()


def _install(using: str, **kwargs: Any) -> None:
    """After every ``migrate``: SQLite drops triggers when it rebuilds a table."""
    from . import database, journal
    from .database import triggers

    if using == database.alias():
        triggers.install()
        journal.install()
        journal.create_queues()
