"""What the example ``repository_report`` knows of directories, files and Markdown; and of no job.

Directories hold anything: pipes that block whoever opens them, links that lead out or in circles,
names that are not text. So only regular files are opened, and names are shown, never handed on.
"""

from __future__ import annotations

import errno
import hashlib
import heapq
import os
import re
import stat
import subprocess
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

TOP = 10  # rows of a list of the largest
COPIES_NAMED = 5  # names shown of one group of duplicates
NAMED = 20  # troubles that a step names in its log, before it only counts
NAME_CHARACTERS = 200  # a longer name is shown by its end
GIT_SECONDS = 30  # git waits forever where a .gitignore is a pipe
PIECE = 2**20  # bytes read at a time
BINARY_PIECE = 8000  # bytes in which a NUL makes a file binary, as for git

OTHER = "other"
EXTENSIONS = {
    "C": "c h",
    "C++": "cc cpp hpp",
    "C#": "cs",
    "CSS": "css scss",
    "Gettext": "po",
    "Go": "go",
    "HTML": "html htm",
    "INI": "ini cfg",
    "Java": "java",
    "JavaScript": "js mjs cjs jsx",
    "JSON": "json",
    "Kotlin": "kt",
    "Markdown": "md",
    "PHP": "php",
    "Python": "py pyi",
    "reStructuredText": "rst",
    "Ruby": "rb",
    "Rust": "rs",
    "Shell": "sh bash",
    "SQL": "sql",
    "Swift": "swift",
    "Text": "txt",
    "TOML": "toml",
    "TypeScript": "ts tsx",
    "XML": "xml svg",
    "YAML": "yaml yml",
}
LANGUAGES = {
    extension: name for name, extensions in EXTENSIONS.items() for extension in extensions.split()
}

SYMLINK = "symlinks, not followed"
SPECIAL = "pipes, sockets and devices, not opened"
NESTED = "checkouts inside this one, left to their own report"
MISSING = "listed but not there"
HIDDEN = "in directories that may not be searched"
UNLISTED = "directories that could not be listed"
_KINDS = {stat.S_IFLNK: SYMLINK, stat.S_IFDIR: NESTED}


# --- what is there --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Listing:
    """The names of everything below a directory that is not a plain directory."""

    names: list[str]  # relative; bytes that are not UTF-8 are lone surrogates
    by_git: bool
    how: str  # how it was made, for people
    remarks: list[str]  # what went wrong on the way


@dataclass(frozen=True, slots=True)
class File:
    """A regular file."""

    name: str  # as in Listing
    path: str
    size: int  # bytes
    identity: tuple[int, int]  # device and inode: hard links share it


@dataclass(frozen=True)
class Findings:
    files: list[File]
    left_out: Counter[str]  # how many names, by the reason


class GitRefusesError(Exception):
    """git does not list this directory; the text says why."""


def list_names(root: str, *, by_git: bool = True) -> Listing:
    """What git tracks or would track; where git does not know *root*, whatever is there."""
    if not by_git:
        return _walk(root)
    try:
        return _ask_git(root)
    except GitRefusesError as refusal:
        walked = _walk(root)
        return replace(walked, how=f"{walked.how}, because git does not list it: {refusal}")


def _ask_git(root: str) -> Listing:
    # The checkout's configuration may name a program as its file system monitor: not run here.
    command = ["git", "-c", "core.fsmonitor=false", "-C", root, "ls-files", "-z"]
    diverting = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")
    environment = {name: text for name, text in os.environ.items() if name not in diverting}
    try:
        done = subprocess.run(
            [*command, "--cached", "--others", "--exclude-standard"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=GIT_SECONDS,
            env=environment | {"LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired as error:
        raise GitRefusesError(f"it did not answer within {GIT_SECONDS} s") from error
    except OSError as error:
        raise GitRefusesError(f"it cannot be started ({error.strerror})") from error
    said = done.stderr.decode("utf-8", "replace").splitlines()
    if done.returncode != 0:
        raise GitRefusesError(said[0] if said else f"it ended with exit code {done.returncode}")
    # A set, because git names a file in conflict once for each side.
    names = {os.fsdecode(name) for name in done.stdout.split(b"\0") if name}
    if not names:
        raise GitRefusesError("it tracks nothing here, and ignores whatever there is")
    how = "listed by git: what is tracked, and what is new and not ignored"
    return Listing(sorted(names), by_git=True, how=how, remarks=said)


def _walk(root: str) -> Listing:
    """Everything below *root* but ``.git``, to any depth; links are named, not followed."""
    names: list[str] = []
    remarks: list[str] = []
    directories = [""]
    while directories:
        below = directories.pop()
        try:
            with os.scandir(os.path.join(root, below)) as entries:
                for entry in entries:
                    if entry.name != ".git":
                        kind = directories if entry.is_dir(follow_symlinks=False) else names
                        kind.append(os.path.join(below, entry.name))
        except OSError as error:
            remarks.append(f"cannot list {shown(below or root)}: {error.strerror}")
    return Listing(sorted(names), by_git=False, how="listed by walking", remarks=remarks)


def look_at(root: str, names: Iterable[str]) -> Findings:
    """Tell the regular files among *names* from all that must not be opened."""
    root = os.path.realpath(root)
    resolved = cache(os.path.realpath)
    found = Findings([], Counter())
    for name in names:
        path = os.path.join(root, name)
        directory = os.path.dirname(path)
        try:
            status = os.lstat(path)
        except OSError as error:
            gone = isinstance(error, FileNotFoundError | NotADirectoryError)
            found.left_out[MISSING if gone else HIDDEN] += 1
            continue
        # git still names what lay in a directory that has become a symlink since.
        if resolved(directory) != directory:
            found.left_out[SYMLINK] += 1
        elif stat.S_ISREG(status.st_mode):
            identity = (status.st_dev, status.st_ino)
            found.files.append(File(name, path, status.st_size, identity))
        else:
            found.left_out[_KINDS.get(stat.S_IFMT(status.st_mode), SPECIAL)] += 1
    return found


# --- what is in it --------------------------------------------------------------------------------


def pieces(path: str) -> Iterator[bytes]:
    """The content of a regular file. Raises OSError, and never waits, whatever *path* is by now."""

    def without_waiting(path: str, flags: int) -> int:
        return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)

    with open(path, "rb", buffering=0, opener=without_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "It is not a regular file any more")
        while piece := file.read(PIECE):
            yield piece


def count_lines(path: str) -> int | None:
    """The lines of a text file; None for a binary one."""
    lines, end = 0, b"\n"
    for number, piece in enumerate(pieces(path)):
        if number == 0 and b"\0" in piece[:BINARY_PIECE]:
            return None
        lines += piece.count(b"\n")
        end = piece[-1:]
    return lines + (end != b"\n")


def digest(path: str) -> bytes:
    """Equal for equal content."""
    content = hashlib.blake2b(digest_size=16)
    for piece in pieces(path):
        content.update(piece)
    return content.digest()


def language(name: str) -> str:
    """The language that the extension stands for."""
    extension = os.path.splitext(name)[1].removeprefix(".").lower()
    return LANGUAGES.get(extension, OTHER)


def largest(files: Iterable[File]) -> list[File]:
    return heapq.nlargest(TOP, files, key=lambda file: file.size)


def possible_duplicates(files: Iterable[File]) -> list[File]:
    """Files that share their size with another; empty files and further hard links cost nothing."""
    distinct = list({file.identity: file for file in files if file.size}.values())
    of_size = Counter(file.size for file in distinct)
    return [file for file in distinct if of_size[file.size] > 1]


class LineCounts:
    """Lines and files per language."""

    def __init__(self) -> None:
        self._files: Counter[str] = Counter()
        self._lines: Counter[str] = Counter()
        self._binary = 0

    def add(self, file: File, lines: int | None) -> None:
        if lines is None:
            self._binary += 1
        else:
            self._files[language(file.name)] += 1
            self._lines[language(file.name)] += lines

    def summary(self) -> dict[str, Any]:
        """All lines, the languages from the most lines down, and how many files are binary."""
        languages = [
            {"name": name, "files": self._files[name], "lines": lines}
            for name, lines in self._lines.most_common()
        ]
        return {"lines": self._lines.total(), "languages": languages, "binary": self._binary}


class Duplicates:
    """Groups of files with equal content."""

    def __init__(self) -> None:
        self._groups: defaultdict[tuple[int, bytes], list[str]] = defaultdict(list)

    def add(self, file: File, content: bytes) -> None:
        self._groups[file.size, content].append(file.name)

    def summary(self) -> dict[str, Any]:
        """How many groups, the bytes that one copy of each would save, and the worst groups."""
        groups = [
            _group(size, sorted(names))
            for (size, _), names in self._groups.items()
            if len(names) > 1
        ]
        groups.sort(key=lambda group: (-group["wasted"], group["names"]))
        return {
            "groups": len(groups),
            "wasted": sum(group["wasted"] for group in groups),
            "top": groups[:TOP],
        }


def _group(size: int, names: list[str]) -> dict[str, Any]:
    return {
        "size": size,
        "copies": len(names),
        "wasted": size * (len(names) - 1),
        "names": [shown(name) for name in names[:COPIES_NAMED]],
    }


class Unread:
    """Files that could not be read: all are counted, the first few are named."""

    def __init__(self, warn: Callable[[str], None]) -> None:
        self.count = 0
        self._warn = warn

    @contextmanager
    def noting(self, file: File) -> Iterator[None]:
        """Go on after *file* when it cannot be read."""
        try:
            yield
        except OSError as error:
            self.count += 1
            if self.count <= NAMED:
                self._warn(f"cannot read {shown(file.name)}: {error.strerror}")
            elif self.count == NAMED + 1:
                self._warn("further files that cannot be read are only counted")


# --- how it is said -------------------------------------------------------------------------------


def shown(name: str) -> str:
    """*name* on one line of at most NAME_CHARACTERS, with U+FFFD for what cannot be shown."""
    text = "".join(sign if sign.isprintable() else "\ufffd" for sign in name)
    return text if len(text) <= NAME_CHARACTERS else "…" + text[1 - NAME_CHARACTERS :]


def many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def in_bytes(size: float) -> str:
    """*size* (bytes) for people."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            return many(int(size), "byte") if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1024
    return f"{size:,.1f} TiB"


def markdown(path: str, results: dict[str, Any]) -> str:
    """The report on *path* from the results of the steps, by their names."""
    listed, counted = results["list_files"], results["count_lines"]
    duplicates = results["find_duplicates"]
    parts = [
        f"# Report on {_code(shown(path))}",
        f"{many(listed['files'], 'file')}, {in_bytes(listed['bytes'])}, "
        f"{many(counted['lines'], 'line')} of text. "
        f"Binary: {counted['binary']:,}. Could not be read: {counted['unread']:,}.",
        "## Lines per language",
        _table(["Language", "Files", "Lines"], map(_language_row, counted["languages"])),
        "## Largest files",
        _table(["File", "Size"], map(_size_row, results["largest_files"])),
        "## Duplicate files",
        f"{many(duplicates['groups'], 'group')} of files with the same content; keeping one file "
        f"of each would save {in_bytes(duplicates['wasted'])}.",
        _table(["Files", "Copies", "Size of one", "Wasted"], map(_group_row, duplicates["top"])),
        "## Left out",
        _table(["What", "How many"], ([what, f"{n:,}"] for what, n in listed["left_out"].items())),
    ]
    return "\n\n".join(parts)


def _language_row(item: dict[str, Any]) -> list[str]:
    return [item["name"], f"{item['files']:,}", f"{item['lines']:,}"]


def _size_row(item: dict[str, Any]) -> list[str]:
    return [_code(item["name"]), in_bytes(item["size"])]


def _group_row(group: dict[str, Any]) -> list[str]:
    names = ", ".join(map(_code, group["names"]))
    unnamed = group["copies"] - len(group["names"])
    return [
        f"{names} and {unnamed:,} more" if unnamed else names,
        f"{group['copies']:,}",
        in_bytes(group["size"]),
        in_bytes(group["wasted"]),
    ]


def _code(name: str) -> str:
    """*name* as Markdown code, also inside a table and whatever backticks it holds."""
    fence = "`" * (1 + max(map(len, re.findall("`+", name)), default=0))
    padding = " " if "`" in name else ""
    return f"{fence}{padding}{name}{padding}{fence}".replace("|", "\\|")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, all columns but the first aligned right."""
    body = [" | ".join(row) for row in rows]
    if not body:
        return "None."
    rule = " | ".join(["---", *["--:"] * (len(head) - 1)])
    return "\n".join(f"| {line} |" for line in (" | ".join(head), rule, *body))
