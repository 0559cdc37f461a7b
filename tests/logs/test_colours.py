"""Whatever colour a step chooses can be read, in light and dark."""

from __future__ import annotations

import re

import pytest

from jobs.logs.styles import Style, classes
from tests.support import ROOT

STATIC = ROOT / "jobs/static/truestep"
PAIR = re.compile(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)")
LEAST = 4.5  # WCAG 2, AA


@pytest.fixture(scope="module")
def sheet():
    return "".join((STATIC / name).read_text() for name in ("live.css", "log.css"))


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def mixed(colour: str, ground: str, share: float) -> str:
    parts = [
        round(int(colour[at : at + 2], 16) * share + int(ground[at : at + 2], 16) * (1 - share))
        for at in (1, 3, 5)
    ]
    return "#" + "".join(f"{part:02x}" for part in parts)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_each_colour_can_be_read(sheet, scheme):
    colours = {name: pair[scheme] for name, *pair in PAIR.findall(sheet)}
    ours = {name: colour for name, colour in colours.items() if name.startswith("ansi-")}
    chosen = mixed(colours["link"], colours["code"], 0.10)  # the ground of a line that is linked to
    assert len(ours) == 10
    for name, colour in (ours | {"soft": colours["soft"]}).items():
        assert contrast(colour, colours["code"]) >= LEAST, name
        assert contrast(colour, chosen) >= LEAST or name == "soft", name
        assert contrast(colours["ink"], mixed(colour, colours["code"], 0.25)) >= LEAST, name


def test_each_class_has_a_rule(sheet):
    for colour in range(16):
        names = [classes(Style(colour=colour)), classes(Style(ground=colour))]
        assert all(re.search(rf"\.{name}\b", sheet) for name in names), names
    for mark in range(6):
        for name in classes(Style(marks=1 << mark)).split():
            assert f".{name} {{" in sheet or f".{name}," in sheet, name
