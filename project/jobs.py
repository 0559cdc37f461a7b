"""The example definitions: a report on a directory, and any program."""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from django import forms
from django.conf import settings

from jobs import JobDefinition, NoRetry, step
from jobs.runner import Run

T = TypeVar("T")
TOP = 10  # rows of each list in the report
READS: Any = {"retries": 2, "retry_delay": 1, "retry_on": OSError}  # a file may vanish meanwhile
SKIPPED = {"__pycache__", "node_modules"}  # directories; hidden ones are skipped, too


class RepositoryReport(JobDefinition):
    """Report on a directory: lines by file type, largest files, duplicates."""

    class Params(forms.Form):
        path = forms.CharField(
            initial=".", help_text="A directory; a relative path starts at this checkout"
        )

        def clean_path(self) -> str:
            return os.path.realpath(settings.BASE_DIR / self.cleaned_data["path"])

    @classmethod
    def authorize(cls, params: dict[str, Any], *, actor: str, source: str) -> None:
        """Pages report on this checkout only; a person with a shell can read the disk anyway."""
        root, path = os.path.realpath(settings.BASE_DIR), Path(params["path"])
        if source in ("page", "admin") and not path.is_relative_to(root):
            message = f"Give a directory below {root}; the launch command takes any other."
        elif not os.path.isdir(path):  # only now: a page must not show what exists elsewhere
            message = f"{shown(path)} is not a directory, or you may not read it."
        else:
            return
        raise forms.ValidationError({"path": message})

    @step(**READS)
    def list_files(self, run: Run) -> dict[str, int]:
        if not os.path.isdir(run.params["path"]):
            raise NoRetry(f"{run.params['path']} is no longer a directory.")
        sizes = [path.stat().st_size for path in run.track(files(run), "looking at files")]
        run.log(f"{len(sizes):,} files, {sum(sizes):,} bytes")
        return {"files": len(sizes), "bytes": sum(sizes)}

    @step(needs=["list_files"])
    def count_lines(self, run: Run) -> dict[str, int]:
        lines: Counter[str] = Counter()
        for path, count in read_each(run, files(run), "counting lines", newlines):
            lines[shown(path.suffix) or "none"] += count
        for suffix, count in lines.most_common():
            run.log(f"{suffix}: {count:,} lines")
        return dict(lines.most_common())

    @step(needs=["list_files"], **READS)
    def largest_files(self, run: Run) -> list[list[Any]]:
        largest = sorted(((path.stat().st_size, shown(path)) for path in files(run)), reverse=True)
        for size, name in largest[:TOP]:
            run.log(f"{size:,} bytes  {name}")
        return [[name, size] for size, name in largest[:TOP]]

    @step(needs=["list_files"], **READS)
    def find_duplicates(self, run: Run) -> list[list[str]]:
        sizes = {path: path.stat().st_size for path in files(run)}
        shared = Counter(sizes.values())
        candidates = [path for path, size in sizes.items() if size and shared[size] > 1]
        groups: defaultdict[bytes, list[str]] = defaultdict(list)
        for path, digest in read_each(run, candidates, "comparing content", content_digest):
            groups[digest].append(shown(path))
        duplicates = [group for group in groups.values() if len(group) > 1]
        run.log(f"{len(duplicates):,} groups of equal files")
        return duplicates[:TOP]

    @step(needs=["count_lines", "largest_files", "find_duplicates"])
    def write_report(self, run: Run) -> str:
        results = run.results
        report = [
            f"# Report on {shown(run.params['path'])}",
            f"{results['list_files']['files']:,} files, {results['list_files']['bytes']:,} bytes",
            "## Lines by file type",
            *(f"- {suffix}: {count:,}" for suffix, count in results["count_lines"].items()),
            "## Largest files",
            *(f"- {name}: {size:,} bytes" for name, size in results["largest_files"]),
            "## Equal files",
            *(f"- {', '.join(names)}" for names in results["find_duplicates"]),
        ]
        for line in report:
            run.log(line)
        return "\n".join(report)


def files(run: Run) -> list[Path]:
    """The regular files below the job's directory; links are not followed."""

    def cannot_list(error: OSError) -> None:
        run.log(f"cannot list {shown(error.filename)}: {error.strerror}", level="warning")

    found = []
    for directory, inner, names in os.walk(run.params["path"], onerror=cannot_list):
        inner[:] = [name for name in inner if not name.startswith(".") and name not in SKIPPED]
        paths = (os.path.join(directory, name) for name in names)
        found += [path for path in paths if os.path.isfile(path) and not os.path.islink(path)]
    return list(map(Path, sorted(found)))


def read_each(
    run: Run, paths: list[Path], text: str, read: Callable[[BinaryIO], T]
) -> Iterator[tuple[Path, T]]:
    """What *read* makes of each file, until the job is cancelled; unreadable files are logged."""
    for path in run.track(paths, text):
        if run.cancelled:
            return
        try:
            with path.open("rb") as file:
                answer = read(file)
        except OSError as error:
            run.log(f"cannot read {shown(path)}: {error.strerror}", level="warning")
        else:
            yield path, answer


def newlines(file: BinaryIO) -> int:
    return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(2**20), b""))


def content_digest(file: BinaryIO) -> bytes:
    return hashlib.file_digest(file, "blake2b").digest()


def shown(name: str | Path) -> str:
    """A file name as text: the bytes that are not UTF-8 are replaced."""
    return os.fsencode(name).decode(errors="replace")


class RunCommand(JobDefinition):
    """Run a program: its output is the step's log, and its exit code decides."""

    permission = "truestep.run_any_command"  # no one is granted it: on the page, superusers only

    class Params(forms.Form):
        command = forms.CharField(help_text="Program and arguments, quoted as for a shell")

        def clean_command(self) -> list[str]:
            try:
                return shlex.split(self.cleaned_data["command"])
            except ValueError as error:  # no closing quotation, for example
                raise forms.ValidationError(f"{error}.") from error

    @step
    def run_program(self, run: Run) -> dict[str, int]:
        run.log(f"$ {shlex.join(run.params['command'])}")
        with subprocess.Popen(run.params["command"], stdin=subprocess.DEVNULL) as program:
            try:
                program.wait()
            finally:
                program.terminate()  # when the step is stopped; harmless when the program has ended
        if program.returncode:
            raise subprocess.CalledProcessError(program.returncode, run.params["command"])
        return {"exit_code": program.returncode}
