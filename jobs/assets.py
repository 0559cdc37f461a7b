"""The script and style of the pages: where they are, and one version of them all.

The modules of the script are joined to one: a request for each would delay the page, and modules of
two versions could meet. Every address carries the version of script and style, so a file that a
browser or proxy has kept from an earlier version is never asked for.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path

from django.contrib.staticfiles import finders
from django.templatetags.static import static

_FOLDER = Path(__file__).parent / "static" / "truestep"
BOOT = "live.js"
STYLES = ("live.css", "job.css", "log.css", "views.css")
# What the boot module imports and connects; none of them imports another.
MODULES = (
    "vendor/idiomorph-0.8.0.esm.js",
    *sorted(path.name for path in _FOLDER.glob("*.js") if path.name != BOOT),
)

_IMPORT = re.compile(r"^import .*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?:class (\w+)|\{ ?(\w+) ?\};)", re.MULTILINE)


def address(name: str) -> str:
    """The URL of a file in ``static/truestep/``, with the version of them all."""
    return f"{static(f'truestep/{name}')}?v={version()}"


@lru_cache(maxsize=1)
def version() -> str:
    """A digest of script and style, as the project serves them: 12 characters."""
    digest = hashlib.sha256()
    for name in (BOOT, *STYLES, *MODULES):
        digest.update(_read(name).encode())
    return digest.hexdigest()[:12]


@lru_cache(maxsize=1)
def script() -> str:
    """All modules joined to one, the boot module last."""
    return "\n".join([*map(_enclosed, MODULES), _IMPORT.sub("", _read(BOOT))])


def _enclosed(name: str) -> str:
    """A module as one statement: the others see what it exports, and nothing else of it."""
    source = _read(name)
    exported = ", ".join(class_ or named for class_, named in _EXPORT.findall(source))
    body = _EXPORT.sub(lambda found: f"class {found[1]}" if found[1] else "", source)
    return f"const {{ {exported} }} = (() => {{\n{body}\nreturn {{ {exported} }};\n}})();\n"


def _read(name: str) -> str:
    """A file as the project serves it, which may have one of its own in its place."""
    served = finders.find(f"truestep/{name}")
    return Path(str(served or _FOLDER / name)).read_text("utf-8")
