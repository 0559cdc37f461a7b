"""Which version of the project's code this process runs, and words about versions."""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from . import conf
from .system.git import commit_of

SHORT = 12  # characters of a commit


def current() -> str:
    """``TRUESTEP["code_version"]``, else the commit of the project's checkout, else empty."""
    return conf.knobs().code_version or checked_out()


@lru_cache(maxsize=1)
def checked_out() -> str:
    """The commit of the project's checkout when this process started; empty without one.

    Asked for when the app is loaded: later the checkout may be at another commit than the code
    that was imported from it.
    """
    return commit_of(_project())


def _project() -> Path:
    if base := getattr(settings, "BASE_DIR", None):
        return Path(base).absolute()
    module = sys.modules.get(getattr(settings, "SETTINGS_MODULE", ""))
    file = getattr(module, "__file__", None)
    return Path(file).absolute().parent if file else Path.cwd()


def short(version: str) -> str:
    """A version as it is shown: of a commit its beginning."""
    return version[:SHORT] if re.fullmatch("[0-9a-f]{40,}", version) else version


def difference(version: str | None, at_launch: str | None) -> str:
    """A sentence about an attempt whose code is not that of its job's launch; else empty."""
    if not version or not at_launch or version == at_launch:
        return ""
    return f"code version {short(version)} differs from that of the launch ({short(at_launch)})"
