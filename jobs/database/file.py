"""The file of a SQLite database: whether processes can share it, and which one it is now."""

from __future__ import annotations

import os
import re
from typing import Any

import psutil
from django.db import OperationalError

from ..exceptions import DatabaseUnsafe
from .routing import connection

# (branch of SQLite, first release of it without the bug); after the last one all are sound.
_WAL_RESET_FIXES = {(3, 44): (3, 44, 6), (3, 50): (3, 50, 7)}
_WAL_RESET_FIXED = (3, 51, 3)
_NETWORK = re.compile(r"nfs\d?|cifs|smb\w*|afs|ceph|lustre|fuse\.(sshfs|glusterfs|s3fs|rclone)")


def is_shared_file(its: Any = connection) -> bool:
    """Whether the database is a SQLite file, which several processes open."""
    return its.vendor == "sqlite" and not its.is_in_memory_db()


def require_sound() -> None:
    """Raises DatabaseUnsafe when several processes cannot safely share this database."""
    if not is_shared_file():
        return
    library = connection.Database  # type: ignore[attr-defined]
    version = library.sqlite_version_info
    if version < _WAL_RESET_FIXES.get(version[:2], _WAL_RESET_FIXED):
        raise DatabaseUnsafe(
            f"SQLite {library.sqlite_version} has the WAL-reset bug: rarely, two processes that "
            "write at the same moment corrupt the database. Do one of these: pip install pysqlite3 "
            "(project/settings.py uses it when it is there), use a Python with SQLite 3.51.3 or "
            "later, or set DATABASE_URL to a PostgreSQL."
        )
    path = connection.settings_dict["NAME"]
    if (kind := _file_system_of(path)) and _NETWORK.fullmatch(kind):
        raise DatabaseUnsafe(
            f"{path} is on a network file system ({kind}), where SQLite's locks do not hold. Set "
            "DATABASE_URL to a file on a local disk, or to a PostgreSQL."
        )


def _file_system_of(path: str) -> str:
    """The type of the file system that holds *path*; empty where the system does not tell."""
    place = os.path.realpath(path)
    mounts = {mount.mountpoint: mount.fstype for mount in psutil.disk_partitions(all=True)}
    while place not in mounts and place != os.path.dirname(place):
        place = os.path.dirname(place)
    return mounts.get(place, "")


def file_of(its: Any) -> tuple[int, int] | None:
    """Which file a SQLite's path leads to now; None where there is none."""
    if not is_shared_file(its):
        return None
    try:
        found = os.stat(its.settings_dict["NAME"])
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def follow_file(its: Any = connection) -> bool:
    """Leave a SQLite file that another one has replaced, as a restore does; True when it did.

    Raises OperationalError while there is none.
    """
    known = getattr(its, "truestep_file", None)
    if known is None or its.in_atomic_block or (now := file_of(its)) == known:
        return False
    its.close()
    require_file(its)
    its.truestep_file = now
    return True


def require_file(its: Any) -> None:
    """Raises OperationalError while a SQLite's file is gone: to open it would make an empty one."""
    if is_shared_file(its) and file_of(its) is None:
        raise OperationalError(f"unable to open database file: {its.settings_dict['NAME']} is gone")
