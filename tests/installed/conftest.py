"""The wheel, built once for each process of a test run, without a network."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.waiting import ROOT


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The path of the wheel that ``pip wheel .`` makes of this checkout."""
    directory = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    command = [sys.executable, "-m", "pip", "wheel", ".", *options, "--wheel-dir", str(directory)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    [path] = directory.glob("*.whl")
    return path
