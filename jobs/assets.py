"""The script and style of the pages: where they are, and one version of them all.

A page and its modules fit together only when they are of one version. So every address carries
the version of them all: a file that a browser or proxy has kept from an earlier version is never
asked for.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from django.contrib.staticfiles import finders
from django.templatetags.static import static

_FOLDER = Path(__file__).parent / "static" / "truestep"
BOOT = "live.js"
STYLES = ("live.css", "job.css")
# What the boot module imports and connects.
MODULES = (
    "vendor/idiomorph-0.8.0.esm.js",
    *sorted(path.name for path in _FOLDER.glob("*.js") if path.name != BOOT),
)


def address(name: str) -> str:
    """The URL of a file in ``static/truestep/``, with the version of them all."""
    return f"{static(f'truestep/{name}')}?v={version()}"


@lru_cache(maxsize=1)
def version() -> str:
    """A digest of script and style, as the project serves them: 12 characters."""
    digest = hashlib.sha256()
    for name in (BOOT, *STYLES, *MODULES):
        served = finders.find(f"truestep/{name}")
        digest.update(Path(str(served or _FOLDER / name)).read_bytes())
    return digest.hexdigest()[:12]
