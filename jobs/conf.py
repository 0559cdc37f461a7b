"""Every knob of the app: the ``TRUESTEP`` dict of the Django settings, with defaults and units."""

from __future__ import annotations

import math
import os
import tempfile
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.db import DEFAULT_DB_ALIAS

KIB, MIB = 2**10, 2**20
MAY_BE_0 = {"drain"}
HIGHEST = {"error_bytes": 128 * KIB, "line_bytes": 128 * KIB}  # what one socket frame can show


@dataclass(frozen=True, kw_only=True)
class Knobs:
    engine: str = f"{__package__}.engines.embedded.EmbeddedEngine"  # where steps run
    slots: int = 2  # steps that one worker runs side by side
    grace: float = 10.0  # seconds between asking a step to stop and killing it
    drain: float = 10.0  # seconds that a worker which is told to stop lets its steps run on; or 0
    crashes: int = 3  # times that a step may end its process or worker, whatever its retries
    beat: float = 5.0  # seconds between a worker's signs of life
    lease: float = 15.0  # seconds without one after which a worker counts as dead; 3 beats or more
    unknown_grace: float = 300.0  # seconds a step waits for a worker that knows it, then fails
    line_bytes: int = 16 * KIB  # a longer log line is split
    log_bytes: int = 64 * MIB  # log text kept of one attempt
    error_bytes: int = 16 * KIB  # error text and traceback kept of one attempt
    result_bytes: int = 1 * MIB  # a larger result fails its step
    sockets: int = 50  # pages that one user may have open in one web process
    database: str = DEFAULT_DB_ALIAS  # where Truestep's rows are, by its name in DATABASES
    run_directory: str = ""  # where workers hold their locks; default: in the temporary directory


@lru_cache(maxsize=1)
def knobs() -> Knobs:
    """The knobs in force. Raises ImproperlyConfigured, naming the knob and what it accepts."""
    given: dict[str, object] = getattr(settings, "TRUESTEP", {})
    known = {field.name: field for field in fields(Knobs)}
    for name, value in given.items():
        if name not in known:
            raise ImproperlyConfigured(
                f"TRUESTEP[{name!r}] is not a setting. Known: {', '.join(known)}."
            )
        default = known[name].default
        accepted = (int, float) if isinstance(default, float) else (type(default),)
        if isinstance(value, bool) or not isinstance(value, accepted):
            raise ImproperlyConfigured(
                f"TRUESTEP[{name!r}] is {value!r}; it takes a {type(default).__name__}, "
                f"for example {default!r}."
            )
        highest = HIGHEST.get(name, math.inf)
        is_none = name in MAY_BE_0 and value == 0
        if isinstance(value, int | float) and not (0 < value <= highest or is_none):
            raise ImproperlyConfigured(
                f"TRUESTEP[{name!r}] is {value!r}; it must be above 0 and at most {highest}."
            )
    found = Knobs(**given)  # type: ignore[arg-type]  # each was checked above
    if found.database not in settings.DATABASES:
        raise ImproperlyConfigured(
            f"TRUESTEP['database'] is {found.database!r}, which DATABASES does not name. "
            f"It names: {', '.join(settings.DATABASES)}."
        )
    if found.lease < 3 * found.beat:
        raise ImproperlyConfigured(
            f"TRUESTEP['lease'] is {found.lease:g} s; it must be at least three times "
            f"TRUESTEP['beat'], which is {found.beat:g} s, or a late beat is taken for a death."
        )
    return found


def run_directory() -> Path:
    """The directory of this host's worker locks; made on demand, for this user alone."""
    default = Path(tempfile.gettempdir()) / f"truestep-{os.getuid()}"
    path = Path(knobs().run_directory or default)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.stat().st_uid != os.getuid():
        raise ImproperlyConfigured(
            f"{path} belongs to another user. Set TRUESTEP['run_directory'] to one of yours."
        )
    return path


def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting == "TRUESTEP":
        knobs.cache_clear()


setting_changed.connect(_forget)
