"""Follows docs/add-to-your-project.md word by word, in a directory outside of the checkout.

``sh`` blocks are run. A ``python`` block that begins with ``# FILE: …`` goes into that file. A
block with a second word (``sh postgresql``) is for readers who choose that.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.waiting import ROOT

PAGE = ROOT / "docs/add-to-your-project.md"
BEFORE_RUNNING = "## Run it\n"  # what readers choose, they do before this section
SERVE = "python manage.py serve\n"
ACTIVATE = ". .venv/bin/activate\n"
# What the environment of a test run tells Python, Django and this project.
OURS = re.compile("PYTHON.*|PYTEST.*|DJANGO_.*|TRUESTEP_.*|VIRTUAL_ENV|DATABASE_URL|REDIS_URL|PORT")


@dataclass(frozen=True)
class Block:
    language: str
    choice: str
    text: str

    @property
    def file(self) -> str:
        found = re.match(r"# (\S+): ", self.text)
        return found[1] if found else ""


def blocks(text: str) -> Iterator[Block]:
    for found in re.finditer(r"^```(\w+)(?: (\w+))?\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield Block(found[1], found[2] or "", found[3])


class Reader:
    """A reader at an empty directory with this Python, who follows the page."""

    def __init__(self, directory: Path, **env: str) -> None:
        self.directory = directory
        (directory / "tmp").mkdir()
        self.env = {name: value for name, value in os.environ.items() if not OURS.fullmatch(name)}
        self.env |= {"TMPDIR": str(directory / "tmp"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"} | env
        python = Path(getattr(sys, "_base_executable", sys.executable)).resolve().parent
        self.env["PATH"] = f"{python}{os.pathsep}{self.env['PATH']}"  # python3 is this one

    def follow(self, *choices: str) -> None:
        """Everything but the last command, which starts the server."""
        first, rest = PAGE.read_text().split(BEFORE_RUNNING)
        before = [block for block in blocks(first) if not block.choice]
        chosen = [block for block in blocks(rest) if block.choice in choices]
        after = [block for block in blocks(rest) if not block.choice]
        for block in [*before, *chosen, *after]:
            self._do(block)

    def add_optional_lines(self) -> None:
        """The lines of the page's table, each in its file."""
        section = PAGE.read_text().split("## Optional lines\n")[1].split("\n## ")[0]
        lines = re.findall(r"^\| `(.+?)`(?: in `(\S+)`)? \|", section, re.MULTILINE)
        assert len(lines) == 4
        for line, file in lines:
            self.add(f"mysite/{file or 'settings.py'}", f"{line}\n")

    def _do(self, block: Block) -> None:
        if block.language == "sh":
            if block.text != SERVE:
                self.run(block.text)
        elif block.file:
            self.add(block.file, block.text)

    def add(self, file: str, text: str) -> None:
        path = self.directory / file
        with path.open("a") as end:
            end.write(f"\n\n{text}")

    def run(self, commands: str) -> str:
        """What the commands print; they succeed. Variables that they export stay."""
        done = subprocess.run(
            ["sh", "-euc", self._activated(commands) + "\nenv -0 >environment"],
            cwd=self.directory,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        exported = (self.directory / "environment").read_text().split("\0")
        self.env |= dict(pair.split("=", 1) for pair in exported if pair)
        return done.stdout

    def _activated(self, commands: str) -> str:
        is_there = (self.directory / ".venv").exists()
        return f"{ACTIVATE if is_there else ''}{commands}"

    def serve(self) -> subprocess.Popen[str]:
        """The last command of the page."""
        return subprocess.Popen(
            ["sh", "-euc", f"{ACTIVATE}exec {SERVE}"],
            cwd=self.directory,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
