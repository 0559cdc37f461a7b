"""What the page loads besides our own files is what its authors published."""

from __future__ import annotations

import hashlib

import pytest

from tests.support import ROOT

VENDOR = ROOT / "jobs" / "static" / "truestep" / "vendor"
SUMS = dict(reversed(line.split()) for line in (VENDOR / "SHA256SUMS").read_text().splitlines())


@pytest.mark.parametrize("name", [path.name for path in VENDOR.glob("*.js")])
def test_vendored_script_is_unchanged_and_has_its_licence(name):
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == SUMS[name]
    assert (VENDOR / name.replace(".esm.js", ".LICENSE")).exists()
