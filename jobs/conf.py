"""The app's settings: the ``TRUESTEP`` dict of the Django settings, with defaults and units."""

from __future__ import annotations

import math
import os
import re
import tempfile
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.db import DEFAULT_DB_ALIAS

from .queues import served_queues

PACKAGE = __package__  # what this app is imported as: "jobs" in its repository, else "truestep"
KIB, MIB = 2**10, 2**20
VERSION = 100  # characters of a code version
MAY_BE_0 = {"drain"}
SECRETS = {"metrics_token"}
HIGHEST = {"error_bytes": 128 * KIB, "line_bytes": 128 * KIB}  # what one socket frame can show
ENGINES = {
    "embedded": f"{PACKAGE}.engines.embedded.EmbeddedEngine",
    "celery": f"{PACKAGE}.engines.celery.CeleryEngine",
}


@dataclass(frozen=True, kw_only=True)
class Knobs:
    engine: str = "embedded"  # where steps run: a name in ENGINES, or the path of an Engine class
    slots: int = 2  # steps that one worker runs at the same time
    queues: str = ""  # that a worker serves, as in "gpu:2,default"; "": every queue
    grace: float = 10.0  # seconds between asking a step to stop and killing it
    drain: float = (
        10.0  # seconds that running steps may take to end after SIGTERM to their worker; or 0
    )
    crashes: int = 3  # times that a step may crash its process or worker, whatever its retries
    beat: float = 5.0  # seconds between two heartbeats of a worker
    lease: float = 15.0  # seconds without a heartbeat until a worker is dead; 3 beats or more
    unknown_grace: float = 300.0  # seconds that a step waits for a worker that knows it, then fails
    line_bytes: int = 16 * KIB  # a longer log line is split
    log_bytes: int = 64 * MIB  # log text kept of one attempt
    error_bytes: int = 16 * KIB  # error text and traceback kept of one attempt
    result_bytes: int = 1 * MIB  # a larger result fails its step
    sockets: int = 50  # pages that one user may have open in one web process
    database: str = DEFAULT_DB_ALIAS  # the name in DATABASES of the one that holds Truestep's rows
    # What a Prometheus sends to read ``metrics``, of visible ASCII characters; "": nobody may.
    metrics_token: str = field(default="", repr=False)
    code_version: str = ""  # shown with jobs and attempts; "": the commit of the project's checkout
    run_directory: str = ""  # where workers keep their lock files; "": in the temporary directory


@lru_cache(maxsize=1)
def knobs() -> Knobs:
    """The settings in force. Raises ImproperlyConfigured, naming the entry and what it accepts."""
    given: dict[str, Any] = getattr(settings, "TRUESTEP", {})
    for name, value in given.items():
        _require_valid(name, value)
    try:
        served_queues(given.get("queues", ""))
    except ValueError as error:
        raise ImproperlyConfigured(f"TRUESTEP['queues'] is {given['queues']!r}. {error}") from error
    found = Knobs(**given)
    if found.database not in settings.DATABASES:
        raise ImproperlyConfigured(
            f"TRUESTEP['database'] is {found.database!r}, which is not in DATABASES. "
            f"DATABASES has: {', '.join(settings.DATABASES)}."
        )
    if len(found.code_version) > VERSION or not found.code_version.isprintable():
        raise ImproperlyConfigured(
            f"TRUESTEP['code_version'] is {found.code_version!r}; it must be printable text of at "
            f"most {VERSION} characters, for example 'v1.2.3' or a commit."
        )
    if found.lease < 3 * found.beat:
        raise ImproperlyConfigured(
            f"TRUESTEP['lease'] is {found.lease:g} s; it must be at least three times "
            f"TRUESTEP['beat'], which is {found.beat:g} s, or a late heartbeat looks like a death."
        )
    return found


def _require_valid(name: str, value: object) -> None:
    defaults = {each.name: each.default for each in fields(Knobs)}
    if name not in defaults:
        raise ImproperlyConfigured(
            f"TRUESTEP[{name!r}] is not a setting. Known: {', '.join(defaults)}."
        )
    default = defaults[name]
    if name in SECRETS:
        _require_secret(name, value)
        return
    accepted = (int, float) if isinstance(default, float) else (type(default),)
    if isinstance(value, bool) or not isinstance(value, accepted):
        raise ImproperlyConfigured(
            f"TRUESTEP[{name!r}] is {value!r}; it must be of type {type(default).__name__}, "
            f"for example {default!r}."
        )
    highest = HIGHEST.get(name, math.inf)
    is_allowed_0 = name in MAY_BE_0 and value == 0
    if isinstance(value, int | float) and not (0 < value <= highest or is_allowed_0):
        raise ImproperlyConfigured(
            f"TRUESTEP[{name!r}] is {value!r}; it must be above 0 and at most {highest}."
        )


def _require_secret(name: str, value: object) -> None:
    """The error does not show it."""
    if not isinstance(value, str) or not re.fullmatch("[!-~]*", value):
        raise ImproperlyConfigured(
            f"TRUESTEP[{name!r}] must be a text of visible ASCII characters without spaces. "
            "For example, take what secrets.token_urlsafe() returns."
        )


def engine_path() -> str:
    """The dotted path of the engine's class."""
    engine = knobs().engine
    return ENGINES.get(engine, engine)


def is_embedded() -> bool:
    """Whether ``manage.py worker`` is how workers are started."""
    return engine_path() == ENGINES["embedded"]


def worker_command() -> str:
    """How to start a worker, for people."""
    if engine_path() == ENGINES["celery"]:
        return f"celery -A {settings.ROOT_URLCONF.partition('.')[0]} worker"
    return "python manage.py worker"


def run_directory() -> Path:
    """The directory of this host's worker locks; created on demand, for this user alone."""
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
