"""The Django application: its label and tables are ``truestep``, wherever the package lives."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class TruestepConfig(AppConfig):
    name = __package__
    label = "truestep"
    verbose_name = "Truestep"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks, definitions  # noqa: F401  (checks register themselves)

        definitions.autodiscover()
        post_migrate.connect(_install_triggers, sender=self)


def _install_triggers(using: str, **kwargs: Any) -> None:
    """After every ``migrate``: SQLite drops triggers when it rebuilds a table."""
    from . import triggers

    triggers.install(using)
