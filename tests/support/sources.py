"""The source files that tests read."""

from tests.support.waiting import ROOT

SOURCES = sorted(
    path
    for package in ("jobs", "project")
    for path in (ROOT / package).rglob("*.py")
    if "migrations" not in path.parts
)
