"""The example definitions, both on real input: a report on a directory, and any program."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from functools import partial
from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings

from jobs.definitions import JobDefinition, step
from jobs.runner import Run

from . import report


class RepositoryReport(JobDefinition):
    """Report on a directory or git checkout: lines per language, largest files, duplicates."""

    class Params(forms.Form):
        path = forms.CharField(
            help_text="A directory or git checkout, for example /srv/project",
            error_messages={"required": "Give a directory, for example /srv/project."},
        )

        def clean_path(self) -> str:
            return _full_path(self.cleaned_data["path"])

    @classmethod
    def authorize(cls, params: dict[str, Any], *, actor: str, source: str) -> None:
        """From a page only what is below REPORT_ROOT; a command's user reads the disk anyway."""
        root = os.path.realpath(settings.REPORT_ROOT)
        if source not in ("command", "python") and not Path(params["path"]).is_relative_to(root):
            message = f"Give a directory below {root}; the launch command takes any other."
            raise forms.ValidationError({"path": message})
        # Only now: whoever is refused above must not learn what exists elsewhere.
        try:
            _directory(params["path"])
        except forms.ValidationError as error:
            raise forms.ValidationError({"path": error.messages}) from error

    @step
    def list_files(self, run: Run) -> dict[str, Any]:
        path = _directory(run.params["path"])
        listing = report.list_names(path)
        run.log(f"{report.shown(path)}, {listing.how}")
        for remark in listing.remarks[: report.NAMED]:
            run.log(remark, level="warning")
        found = report.look_at(path, run.track(listing.names, "looking at files"))
        if listing.remarks:
            found.left_out[report.UNLISTED] = len(listing.remarks)
        size = sum(file.size for file in found.files)
        run.log(f"{report.many(len(found.files), 'file')}, {report.in_bytes(size)}")
        for what, count in found.left_out.items():
            run.log(f"left out, {what}: {count:,}")
        numbers = {"files": len(found.files), "bytes": size, "left_out": dict(found.left_out)}
        return numbers | {"by_git": listing.by_git}

    @step(needs=["list_files"])
    def count_lines(self, run: Run) -> dict[str, Any]:
        counts, unread = report.LineCounts(), _unread(run)
        for file in run.track(_files(run), "counting lines"):
            with unread.noting(file):
                counts.add(file, report.count_lines(file.path))
        summary = counts.summary() | {"unread": unread.count}
        for item in summary["languages"]:
            lines, files = report.many(item["lines"], "line"), report.many(item["files"], "file")
            run.log(f"{item['name']}: {lines} in {files}")
        run.log(f"Binary: {summary['binary']:,}. Could not be read: {unread.count:,}.")
        return summary

    @step(needs=["list_files"])
    def largest_files(self, run: Run) -> list[dict[str, Any]]:
        files = report.largest(run.track(_files(run), "comparing sizes"))
        for file in files:
            run.log(f"{report.in_bytes(file.size)}  {report.shown(file.name)}")
        return [{"name": report.shown(file.name), "size": file.size} for file in files]

    @step(needs=["list_files"])
    def find_duplicates(self, run: Run) -> dict[str, Any]:
        candidates = report.possible_duplicates(_files(run))
        run.log(f"Comparing {report.many(len(candidates), 'file')} that have the size of another")
        duplicates, unread = report.Duplicates(), _unread(run)
        for file in run.track(candidates, "comparing content"):
            with unread.noting(file):
                duplicates.add(file, report.digest(file.path))
        summary = duplicates.summary() | {"unread": unread.count}
        wasted = report.in_bytes(summary["wasted"])
        run.log(f"{report.many(summary['groups'], 'group')} of equal files, {wasted} wasted")
        return summary

    @step(needs=["count_lines", "largest_files", "find_duplicates"])
    def write_report(self, run: Run) -> dict[str, Any]:
        text = report.markdown(run.params["path"], run.results)
        for line in text.splitlines():
            run.log(line)
        return {
            "files": run.results["list_files"]["files"],
            "bytes": run.results["list_files"]["bytes"],
            "lines": run.results["count_lines"]["lines"],
            "wasted_bytes": run.results["find_duplicates"]["wasted"],
            "markdown": text,
        }


def _full_path(given: str) -> str:
    """*given* without symlinks. Raises ValidationError when it could mean two places."""
    if not os.path.isabs(given) and Path.cwd() != settings.BASE_DIR:
        # This runs once where the job is launched and again in the worker: both must mean the same.
        full = report.shown(os.path.abspath(given))
        name = report.shown(given)
        raise forms.ValidationError(f"{name} is not a full path. Give the full one: {full}")
    return os.path.realpath(given)


def _directory(path: str) -> str:
    """*path* itself. Raises ValidationError when it is no directory that can be seen."""
    name = report.shown(path)
    if not os.path.exists(path):
        raise forms.ValidationError(f"{name} does not exist, or may not be seen. Check its name.")
    if not os.path.isdir(path):
        raise forms.ValidationError(f"{name} is no directory. Give the one that contains it.")
    return path


def _files(run: Run) -> list[report.File]:
    """The files as they are now: their names need not be text, so no result holds them all."""
    path = _directory(run.params["path"])
    listing = report.list_names(path, by_git=run.results["list_files"]["by_git"])
    return report.look_at(path, listing.names).files


def _unread(run: Run) -> report.Unread:
    return report.Unread(partial(run.log, level="warning"))


class ProgramError(Exception):
    """The program could not be started, or ended with anything but 0."""


class RunCommand(JobDefinition):
    """Run a program: its output is the step's log, and its exit code decides."""

    # Nobody is ever granted this permission, so on the page it leaves superusers.
    permission = "truestep.run_any_command"

    class Params(forms.Form):
        command = forms.CharField(
            help_text="Program and arguments, quoted as for a shell; no shell runs it",
            error_messages={"required": "Give a program and its arguments, for example: ls -l"},
        )

        def clean_command(self) -> list[str]:
            return _words(self.cleaned_data["command"])

    @step
    def run_program(self, run: Run) -> dict[str, Any]:
        words = run.params["command"]
        run.log(f"$ {shlex.join(words)}  (in {os.getcwd()})")
        started = time.monotonic()
        code = _run_to_the_end(words)
        run.log(f"{_ending(code)} after {time.monotonic() - started:.1f} s")
        if code != 0:
            raise ProgramError(f"{words[0]} {_ending(code)}")
        return {"exit_code": code}


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:  # "No closing quotation" or "No escaped character"
        message = f"{error}: close every quote, and write \\\\ for a backslash."
        raise forms.ValidationError(message) from error
    if not words[0]:
        raise forms.ValidationError("The first word is empty; it must name a program.")
    return words


def _run_to_the_end(words: list[str]) -> int:
    """The exit code, or a signal number with a minus. The child writes where this process does."""
    try:
        child = subprocess.Popen(words, stdin=subprocess.DEVNULL)
    except OSError as error:
        raise ProgramError(
            f"{words[0]} cannot be started: {error.strerror}. Give an executable file, "
            "or a program on the PATH of the worker."
        ) from error
    with child:
        try:
            return child.wait()
        finally:
            child.terminate()  # for a step that is stopped; one that has ended is left alone


def _ending(code: int) -> str:
    if code < 0:
        return f"was killed by signal {-code} ({signal.strsignal(-code)})"
    return f"ended with exit code {code}"
