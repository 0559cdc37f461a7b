"""The virtualenv of the other queues, apart from the project's."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import venv
from pathlib import Path

from benchmarks.support import ROOT

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
DIRECTORY = ROOT / "var" / "peers"
STAMP = DIRECTORY / "requirements.txt"  # what is installed


def program(name: str) -> Path:
    return DIRECTORY / "bin" / name


def install() -> None:
    """Make the virtualenv, unless it has the versions of requirements.txt already."""
    wanted = f"# {sys.version}\n{REQUIREMENTS.read_text()}"
    if STAMP.exists() and STAMP.read_text() == wanted:
        return
    venv.create(DIRECTORY, clear=True, with_pip=True)
    _pip("install", "-q", "-r", str(REQUIREMENTS))
    STAMP.write_text(wanted)


def versions() -> dict[str, str]:
    """The installed packages that requirements.txt names; none before ``install``."""
    if not STAMP.exists():
        return {}
    named = re.findall(r"^[\w-]+", REQUIREMENTS.read_text(), re.MULTILINE)
    installed = {
        each["name"].lower().replace("_", "-"): each["version"]
        for each in json.loads(_pip("list", "--format=json"))
    }
    return {name: installed[name.lower()] for name in named}


def _pip(*arguments: str) -> str:
    command = [str(program("python")), "-m", "pip", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
