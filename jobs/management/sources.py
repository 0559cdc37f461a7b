"""Notices that the project's Python code has changed, for ``--reload`` in development."""

from __future__ import annotations

import sysconfig
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from django.apps import apps

LOOK_SECONDS = 1.0  # between two looks at the files


class Sources:
    """The Python files of every app that is not installed in site-packages."""

    def __init__(self) -> None:
        installed = Path(sysconfig.get_path("purelib"))
        paths = (Path(app.path) for app in apps.get_app_configs())
        self._apps = [path for path in paths if installed not in path.parents]
        self._seen = dict(self._files())
        self._look_at = time.monotonic() + LOOK_SECONDS

    def changed(self) -> Path | None:
        """A file that was written, made or deleted since the last look, if there is one."""
        if time.monotonic() < self._look_at:
            return None
        before, self._seen = self._seen, dict(self._files())
        self._look_at = time.monotonic() + LOOK_SECONDS
        return min((path for path, _ in before.items() ^ self._seen.items()), default=None)

    def _files(self) -> Iterator[tuple[Path, int]]:
        """Each file, and when it was written last."""
        for app in self._apps:
            for path in app.rglob("*.py"):
                with suppress(FileNotFoundError):  # it has just been deleted
                    yield path, path.stat().st_mtime_ns
