"""The functions that this release calls, where the database has any."""

from __future__ import annotations

from .. import database
from ..exceptions import FunctionsMissing
from .batch_function import WRITE
from .birth_function import LAUNCH

FUNCTIONS = (WRITE, LAUNCH)


def install() -> None:
    """Create the functions. Run after each ``migrate``."""
    if database.dialect().has_functions:
        with database.connection.cursor() as cursor:
            for function in FUNCTIONS:
                cursor.execute(function.creation)


def require_ready() -> None:
    """Raises NotReady, saying why and what to do, unless jobs can be written to the database."""
    database.require_ready()
    _require_functions()


def require_current() -> None:
    """Raises NotReady unless the database answers and is as this release's ``migrate`` leaves it.

    It only reads: it can be asked every second.
    """
    database.require_current()
    _require_functions()


def _require_functions() -> None:
    its = FUNCTIONS if database.dialect().has_functions else ()
    if missing := [function.name for function in its if not function.is_there()]:
        raise FunctionsMissing(missing, database.migrate_command())
