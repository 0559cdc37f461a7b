"""A line is drawn as a terminal shows it in the end; nothing in it commands a page."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.logs import LineCutter, drawn, plain
from jobs.logs.screen import plain_lines
from jobs.logs.styles import PLAIN, Style, after, changed, classes

RECORDED = Path(__file__).parent / "recorded"
BAR = "━" * 40


def said(name: str) -> list[str]:
    """The lines of a recording, as they are stored. What was recorded was for a terminal."""
    cutter = LineCutter(b"marker", 16 * 1024)
    data = (RECORDED / f"{name}.bin").read_bytes()
    return [text for text, _ in (*cutter.feed(data), *cutter.end())]


def looks(line: str, style: Style = PLAIN) -> list[list[tuple[str, str]]]:
    """The text of each row of a line, with the classes of its pieces."""
    return [[(text, classes(style)) for text, style in row] for row in drawn(line, style)]


# --- what programs say ----------------------------------------------------------------------------


def test_a_bar_of_tqdm_ends_as_one_line():
    [bar] = said("tqdm")
    assert bar.count("\r") == 42
    assert plain(bar).startswith(f"load: 100%|{'█' * 35}| 40/40 [00:00<00:00, ")


def test_pip_draws_its_bar_in_colour_and_in_one_line():
    lines = said("pip")
    assert list(map(plain, lines))[1:] == [
        "Collecting hypothesis",
        "  Downloading hypothesis-6.170.17-cp311-cp311-manylinux2014_x86_64"
        ".manylinux_2_17_x86_64.whl (1.2 MB)",
        f"     {BAR} 1.2/1.2 MB 286.7 MB/s eta 0:00:00",
        "Installing collected packages: hypothesis",
        "Successfully installed hypothesis-6.170.17",
    ]
    assert looks(lines[3]) == [
        [
            ("     ", ""),
            (BAR, "fg-2"),
            (" ", ""),
            ("1.2/1.2 MB", "fg-2"),
            (" ", ""),
            ("286.7 MB/s", "fg-1"),
            (" eta ", ""),
            ("0:00:00", "fg-6"),
        ]
    ]


def test_pytest_is_shown_in_its_colours():
    shown = {plain(line): looks(line) for line in said("pytest")}
    assert shown["collected 5 items" + " " * 62] == [
        [("collected 5 items" + " " * 62, "bold")],
    ]
    failed = next(line for line in shown if line.startswith("test_x.py::test_bad "))
    assert shown[failed][0][1][0].startswith("FAILED ")
    assert shown[failed][0][1][1] == "fg-1"
    *_, summary = shown.values()
    assert ("1 failed", "bold fg-1") in summary[0]
    assert ("3 passed", "fg-2") in summary[0]


def test_a_spinner_of_npm_leaves_nothing():
    lines = said("npm")
    assert [plain(line) for line in lines[:3]] == ["", "added 1 package in 522ms", ""]
    assert looks(lines[3]) == [
        [("npm", "bold"), (" ", ""), ("error", "fg-1"), (' Missing script: "nothing"', "")]
    ]


def docker_pull() -> list[str]:
    """What ``docker pull`` writes to a terminal: for each layer up, over it, and down again."""
    layers, text = ["3f4ca61aafcd", "9b8f2c1d"], "Using default tag: latest\r\n"
    for layer in layers:
        text += f"{layer}: Pulling fs layer \r\n"
    for state in ("Downloading [=>   ] 1MB/5MB", "Download complete", "Pull complete"):
        for up, layer in zip((2, 1), layers, strict=True):
            text += f"\x1b[{up}A\x1b[2K\r{layer}: {state} \r\x1b[{up}B"
    text += "Digest: sha256:0a1b\r\nStatus: Downloaded newer image\r\n"
    cutter = LineCutter(b"marker", 16 * 1024)
    return [text for text, _ in (*cutter.feed(text.encode()), *cutter.end())]


def test_rows_that_docker_redraws_are_drawn_below_their_first_lines():
    lines = [plain(line).rstrip() for line in docker_pull()]
    assert lines == [
        "Using default tag: latest",
        "3f4ca61aafcd: Pulling fs layer",
        "9b8f2c1d: Pulling fs layer",
        "3f4ca61aafcd: Pull complete \n9b8f2c1d: Pull complete \nDigest: sha256:0a1b",
        "Status: Downloaded newer image",
    ]


# --- redraws and moves ----------------------------------------------------------------------------

TEXTS = {
    "nothing to draw": ("plain\ttext", "plain\ttext"),
    "a redraw": ("10%\r20%", "20%"),
    "a shorter redraw leaves the rest": ("12345\rab", "ab345"),
    "a return at the end": ("10%\r20%\r", "20%"),
    "a redraw in colour": ("\x1b[31m10%\x1b[0m\r\x1b[32m20%\x1b[0m", "20%"),
    "erased to the end": ("12345\rab\x1b[K", "ab"),
    "erased to the start": ("12345\x1b[3G\x1b[1K", "   45"),
    "an erased line": ("12345\x1b[2K\rab", "ab"),
    "a backspace": ("9%␈␈10%", "10%"),
    "left and right": ("abc\x1b[2Dx\x1b[1Cy", "axcy"),
    "far to the right": ("a\x1b[99999Gb", "a" + " " * 999 + "b"),
    "up and down": ("one\x1b[1A\rtwo\x1b[1B\rsix", "two\nsix"),
    "the next line and the one above": ("one\x1b[Etwo\x1b[Fsix", "six\ntwo"),
    "far up": ("one\x1b[99999Atop", "   top\n" + "\n" * 199 + "one"),
    "erased below": ("one\x1b[Btwo\x1b[A\r\x1b[Jsix", "six"),
    "a cleared screen keeps what was said": ("one\x1b[2J\x1b[Hsix", "onesix"),
    "a title": ("\x1b]0;owned␇text", "text"),
    "a link": ("\x1b]8;;https://a.test\x1b\\text\x1b]8;;\x1b\\", "text"),
    "a title without an end": ("\x1b]0;text", "␛]0;text"),
    "modes and character sets": ("\x1b[?25l\x1b(Btext\x1b=\x1b[?25h", "text"),
    "a sequence without an end": ("text\x1b[31", "text␛[31"),
    "a lone escape": ("text\x1b", "text␛"),
    "an escape before what is no command": ("\x1bé \x1b lone", "␛é ␛ lone"),
    "no number at all": ("\x1b[99999999999999999999Ax", "x"),
}


@pytest.mark.parametrize("case", TEXTS)
def test_what_is_drawn(case):
    line, text = TEXTS[case]
    assert plain(line) == text
    assert "\n".join("".join(piece for piece, _ in row) for row in drawn(line)) == text
    assert plain_lines(f"before\n{line}\nbehind") == ["before", text, "behind"]


def test_what_this_release_never_stores_is_visible_all_the_same():
    assert plain("a\x07b\x9b") == plain_lines("a\x07b\x9b")[0] == "a␇b�"


# --- colours and styles ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codes", "names"),
    [
        ("31", "fg-1"),
        ("91", "fg-9"),
        ("44", "bg-4"),
        ("104", "bg-12"),
        ("1;2;3;4;9", "bold dim italic underline struck"),
        ("4:3", "underline"),
        ("4;4:0", ""),
        ("31;1;22", "fg-1"),
        ("31;39;44;49", ""),
        ("31;0", ""),
        ("31;", ""),
        ("7", "inverse"),
        ("7;27", ""),
        ("31;7", "bg-1"),
        ("31;47;7", "fg-7 bg-1"),
        ("38;5;9", "fg-9"),
        ("38;5;208", "fg-11"),  # orange
        ("38;5;21", "fg-12"),
        ("38;5;232", "fg-0"),
        ("38;5;255", "fg-15"),
        ("48;5;22", "bg-2"),
        ("38;2;255;0;0", "fg-9"),
        ("38;2;0;90;90", "fg-6"),
        ("38;2;127;127;127", "fg-8"),
        ("38:2::255:0:0", "fg-9"),
        ("38;5", ""),
        ("38;2;1;1", ""),
        ("38;9;1", "bold"),
        ("38;2;999;0;0;1", "bold fg-9"),
        ("58;5;1;73", ""),  # of the underline: no class, and no harm
    ],
)
def test_the_classes_of_a_style(codes, names):
    style = changed(PLAIN, codes)
    assert classes(style) == names
    assert Style.of(style.codes) == style


def test_a_style_goes_on_until_it_is_reset():
    assert after(PLAIN, "\x1b[31mred\nand \x1b[1mbold") == Style(colour=1, marks=1)
    assert after(Style(colour=1), "still\x1b[0m \x1b[4mline") == Style(marks=8)
    assert after(Style(colour=1), "\x1b[mplain") == PLAIN
    assert looks("on", Style(colour=1)) == [[("on", "fg-1")]]
