"""Which of the project's databases holds Truestep's rows: ``TRUESTEP["database"]``.

Every query names it: SQL through ``connection``, transactions through ``atomic`` and ``on_commit``,
the ORM through ``Router``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from django.conf import settings
from django.core.signals import setting_changed
from django.db import DEFAULT_DB_ALIAS, connections, router, transaction
from django.db.models import Model
from django.db.utils import ConnectionRouter

from .. import conf

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

View = TypeVar("View", bound=Callable[..., Any])

LABEL = "truestep"  # of the app


def alias() -> str:
    """The name of the database in ``DATABASES``."""
    return conf.knobs().database


class _Connection:
    """This thread's connection to that database, as ``django.db.connection`` is to ``default``."""

    def __getattr__(self, name: str) -> Any:
        return getattr(connections[alias()], name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(connections[alias()], name, value)


if TYPE_CHECKING:
    connection: BaseDatabaseWrapper
else:
    connection = _Connection()


def separate_connection() -> BaseDatabaseWrapper:
    """Another connection to the same database, for the caller alone.

    It is never one of a pool, which would pass on what the caller sets for its session.
    """
    made = connections[alias()].copy()
    made.settings_dict["OPTIONS"].pop("pool", None)
    return made


def atomic(*, durable: bool = False) -> transaction.Atomic:
    """``transaction.atomic`` on Truestep's database."""
    return transaction.atomic(using=alias(), durable=durable)


def on_commit(function: Callable[[], Any]) -> None:
    """Call *function* once the transaction in progress has committed; log it when it fails."""
    transaction.on_commit(function, using=alias(), robust=True)


def non_atomic(view: View) -> View:
    """``ATOMIC_REQUESTS`` opens no transaction around this view, on any database.

    So what Truestep writes is committed immediately, and reading a page takes no write lock.
    """
    for using in connections:
        view = transaction.non_atomic_requests(using=using)(view)
    return view


def migrate_command() -> str:
    """The command that creates Truestep's tables."""
    is_default = alias() == DEFAULT_DB_ALIAS
    return f"python manage.py migrate{'' if is_default else f' {LABEL} --database={alias()}'}"


class Router:
    """Sends every query about Truestep's rows to their database, and decides about no other query.

    It is the first of ``DATABASE_ROUTERS``: a router that reads from a replica would show old rows,
    and a worker would not find what it has just written.
    """

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        return alias() if model._meta.app_label == LABEL else None

    db_for_write = db_for_read

    def allow_relation(self, one: Model, other: Model, **hints: Any) -> bool | None:
        return True if {one._meta.app_label, other._meta.app_label} == {LABEL} else None

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return db == alias() if app_label == LABEL else None


def route(*, setting: str = "DATABASE_ROUTERS", **kwargs: Any) -> None:
    """Put the router first when the project starts, and when a test changes the setting.

    It goes into the setting, and not into the list of routers that Django makes of it: when a test
    changes the setting, Django makes a new list, before or after this is called.
    """
    path = f"{__name__}.{Router.__name__}"
    if setting == "DATABASE_ROUTERS" and path not in settings.DATABASE_ROUTERS:
        settings.DATABASE_ROUTERS = [path, *settings.DATABASE_ROUTERS]
        router.routers = ConnectionRouter().routers


setting_changed.connect(route, dispatch_uid="truestep.route")
