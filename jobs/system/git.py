"""The commit that a checkout is at, read from git's files: to run git takes far longer."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

_COMMIT = re.compile("[0-9a-f]{40}([0-9a-f]{24})?")
_LINKS = 5  # from one reference to another


def commit_of(directory: Path) -> str:
    """The commit checked out in *directory* or around it; empty where none can be read."""
    for place in (directory, *directory.parents):
        if (place / ".git").exists():
            with suppress(OSError, UnicodeDecodeError):
                return _commit_at(place / ".git")
            return ""
    return ""


def _commit_at(git: Path) -> str:
    if git.is_file():  # of a worktree or a submodule
        git = git.parent / git.read_text().removeprefix("gitdir:").strip()
    shared = git
    if (git / "commondir").exists():
        shared = git / (git / "commondir").read_text().strip()
    value = (git / "HEAD").read_text().strip()
    for _ in range(_LINKS):
        if not value.startswith("ref:"):
            return value if _COMMIT.fullmatch(value) else ""
        value = _reference(value.removeprefix("ref:").strip(), git, shared)
    return ""


def _reference(name: str, git: Path, shared: Path) -> str:
    for place in (git, shared):
        with suppress(FileNotFoundError, NotADirectoryError):
            return (place / name).read_text().strip()
    with suppress(FileNotFoundError):
        for line in (shared / "packed-refs").read_text().splitlines():
            commit, _, packed = line.partition(" ")
            if packed == name:
                return commit
    return ""
