"""Whether several processes can safely share a SQLite file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import psutil
from django.db import connections
from django.db.backends.sqlite3.base import DatabaseWrapper

from ... import conf
from ...backends.sqlite.library import is_sound
from ...exceptions import DatabaseUnsafe
from ..dialect import Problem
from . import file

ENGINE = f"{conf.PACKAGE}.backends.sqlite"
_NETWORK = re.compile(r"nfs\d?|cifs|smb\w*|afs|ceph|lustre|fuse\.(sshfs|glusterfs|s3fs|rclone)")


def require_safe(connection: Any) -> None:
    """Raises DatabaseUnsafe when the library or the file system corrupts a shared file."""
    if file.is_shared(connection):
        _require_sound_library(connection.Database)
        _require_local(connection.settings_dict["NAME"])


def _require_sound_library(library: Any) -> None:
    if not is_sound(library.sqlite_version_info):
        raise DatabaseUnsafe(
            f"SQLite {library.sqlite_version} has the WAL-reset bug: rarely, two processes that "
            "write at the same moment corrupt the database. Do one of these: set ENGINE to "
            f"{ENGINE!r} and pip install pysqlite3, use a Python with SQLite 3.51.3 or later, or "
            "use PostgreSQL."
        )


def _require_local(path: str) -> None:
    kind = _file_system_of(path)
    if _NETWORK.fullmatch(kind):
        raise DatabaseUnsafe(
            f"{path} is on a network file system ({kind}), where SQLite's locks do not hold. Set "
            "NAME in DATABASES to a file on a local disk, or use PostgreSQL."
        )


def _file_system_of(path: str) -> str:
    """The type of the file system that holds *path*; empty where the system does not say."""
    place = os.path.realpath(path)
    mounts = {mount.mountpoint: mount.fstype for mount in psutil.disk_partitions(all=True)}
    while place not in mounts and place != os.path.dirname(place):
        place = os.path.dirname(place)
    return mounts.get(place, "")


def problems(connection: Any) -> Iterator[Problem]:
    """Settings with which processes would block each other, or moments would lose their zone."""
    if file.is_shared(connection) and (missing := _missing_options(connection)):
        yield Problem(
            "E012",
            f" lacks {' and '.join(missing)}, without which the processes that share this SQLite "
            "file block each other.",
            f"Set its ENGINE to {ENGINE!r}, which has them unless OPTIONS say otherwise",
        )
    zone = connection.settings_dict["TIME_ZONE"]
    if zone not in (None, "UTC"):
        yield Problem(
            "E014",
            f"['TIME_ZONE'] is {zone!r}: a SQLite would keep moments without their zone, and the "
            "hour after daylight saving twice. TIME_ZONE of the settings may stay as it is.",
            "Remove it",
        )
    for alias in _opened_with_another_library(connection):
        yield Problem(
            "E015",
            f" is the same file as DATABASES[{alias!r}], which another SQLite library opens. "
            "Closing the file in one of them releases the locks that the process has in the other.",
            f"Set the same ENGINE, {ENGINE!r}, for both",
        )


def _opened_with_another_library(connection: Any) -> list[str]:
    """The other names in DATABASES for this file, where its library is not this one."""
    path = os.path.realpath(connection.settings_dict["NAME"])
    return [
        other.alias
        for other in connections.all()
        if isinstance(other, DatabaseWrapper)
        and file.is_shared(other)
        and other.Database is not connection.Database
        and os.path.realpath(other.settings_dict["NAME"]) == path
    ]


def _missing_options(connection: Any) -> list[str]:
    """What keeps readers of the file from waiting for writers, and writers from failing."""
    connection.get_connection_params()  # reads the options
    missing = []
    if connection.transaction_mode != "IMMEDIATE":
        missing.append("the transaction mode IMMEDIATE")
    modes = re.findall(r"journal_mode\W*(\w+)", ";".join(connection.init_commands))
    if [mode.upper() for mode in modes[-1:]] != ["WAL"]:
        missing.append("PRAGMA journal_mode=WAL")
    return missing
