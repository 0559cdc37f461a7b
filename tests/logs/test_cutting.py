"""Bytes in, whole lines out."""

import json

import pytest

from jobs.logs import CONTINUES, LineCutter

MARKER = b"\x1e0123456789abcdef"


def record(text, level="i", more=False):
    return MARKER + json.dumps({"l": level, "t": text, "more": more}).encode() + b"\n"


def lines_of(data, limit=100, piece=10**9):
    """The lines that *data* becomes when it arrives in pieces of this size."""
    cutter = LineCutter(MARKER, limit)
    lines = []
    for start in range(0, len(data), piece):
        lines += cutter.feed(data[start : start + piece])
    return [*lines, *cutter.end()]


STREAMS = {
    "plain": (b"one\ntwo\n", [("one", "i"), ("two", "i")]),
    "no newline at the end": (b"one\ntwo", [("one", "i"), ("two", "i")]),
    "empty lines": (b"\n\n", [("", "i"), ("", "i")]),
    "dos": (b"one\r\ntwo\r\n", [("one", "i"), ("two", "i")]),
    "a progress bar": (b"10%\r20%\n", [("10%\r20%", "i")]),
    "a progress bar from dos": (b"10%\r20%\r\r\n", [("10%\r20%\r", "i")]),
    "colours": (b"\x1b[31mred\x1b[0m\n", [("\x1b[31mred\x1b[0m", "i")]),
    "other controls": (b"bell \a, \xc2\x9b31m\n", [("bell ␇, �31m", "i")]),
    "not utf-8": (b"\xff\xfe\n", [("��", "i")]),
    "nul": (b"a\0b\n", [("a␀b", "i")]),
    "a progress bar that is long, cut after a redraw": (
        b"".join(b"%3d%% %s\r" % (done, b"#" * 30) for done in range(6)) + b"done\n",
        [
            (f"  0% {'#' * 30}\r  1% {'#' * 30}\r{CONTINUES}", "i"),
            (f"  2% {'#' * 30}\r  3% {'#' * 30}\r{CONTINUES}", "i"),
            (f"  4% {'#' * 30}\r  5% {'#' * 30}\rdone", "i"),
        ],
    ),
    "a record": (record("hello", "w"), [("hello", "w")]),
    "a record of a level that there is not": (record("hello", "<b>"), [("hello", "i")]),
    "a record of two lines": (record("one\ntwo", "e"), [("one", "e"), ("two", "e")]),
    "a record with a surrogate": (record("\ud800\r"), [("�", "i")]),
    "a record after an unfinished print": (
        b"print" + record("log"),
        [("print", "i"), ("log", "i")],
    ),
    "a torn record": (MARKER + b'{"l": "i"\n', [('{"l": "i"', "i")]),
    "an ended record": (record("log")[:-1], [("log", "i")]),
    "a long line": (b"x" * 250 + b"\n", [("x" * 100 + CONTINUES, "i")] * 2 + [("x" * 50, "i")]),
    "a line of nul, each stored in three bytes": (
        b"\0" * 250 + b"\n",
        [("␀" * 33 + CONTINUES, "i")] * 7 + [("␀" * 19, "i")],
    ),
    "a short line that is long when it is stored": (
        b"x" * 40 + b"\0" * 30 + b"\n",
        [("x" * 40 + "␀" * 13 + CONTINUES, "i"), ("␀" * 17, "i")],
    ),
    "a line that just fits": (b"x" * 100 + b"\n", [("x" * 100, "i")]),
    "a long record": (
        record("y" * 150, "e"),
        [("y" * 100 + CONTINUES, "e"), ("y" * 50, "e")],
    ),
    "a record in parts": (
        record("one\ntw", "w", more=True) + record("o\nthree", "w"),
        [("one", "w"), ("two", "w"), ("three", "w")],
    ),
    "a long record in parts": (
        record("y" * 60, "e", more=True) * 4 + record("", "e"),
        [("y" * 100 + CONTINUES, "e")] * 2 + [("y" * 40, "e")],
    ),
    "parts that meet at the cut": (
        record("y" * 50 + "✔" * 17, "e", more=True)
        + record("✔" * 10 + "\r", "e", more=True)
        + record("\n"),
        [("y" * 50 + "✔" * 16 + CONTINUES, "e"), ("✔" * 11, "i"), ("", "i")],
    ),
    "parts that meet at a return": (
        record("10%\r", more=True) + record("20%"),
        [("10%\r20%", "i")],
    ),
    "a record that ends in returns": (record("10%\r\r", "w"), [("10%\r", "w")]),
    "a record whose end never came": (record("torn off", "w", more=True), [("torn off", "w")]),
    "a print amid the parts": (
        record("lo", "w", more=True) + b"print\n" + record("ng", "w"),
        [("print", "i"), ("long", "w")],
    ),
    "wide characters at the cut": (
        "✔".encode() * 50 + b"\n",
        [("✔" * 33 + CONTINUES, "i"), ("✔" * 17, "i")],
    ),
}
# A record that follows an unfinished print of about the length at which lines are cut.
STREAMS |= {
    f"a record after {length} bytes": (
        b"x" * length + record("log", "w"),
        [("x" * length, "i"), ("log", "w")],
    )
    for length in range(80, 101)
}


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 16, 99, 100, 101, 10**9])
@pytest.mark.parametrize("stream", STREAMS)
def test_lines_do_not_depend_on_how_the_bytes_arrive(stream, piece):
    data, lines = STREAMS[stream]
    assert lines_of(data, piece=piece) == lines


@pytest.mark.parametrize(
    "text", ["x" * 1000, "a\r\n" * 99, "\n\n", "✔" * 99, "\r" * 9, "\x1b" * 99]
)
@pytest.mark.parametrize("size", [1, 7, 64, 333])
def test_a_text_in_several_records_is_one_text(text, size):
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    stream = b"".join(record(piece, more=True) for piece in pieces[:-1]) + record(pieces[-1])
    assert lines_of(stream) == lines_of(record(text))


def test_an_endless_line_comes_in_pieces_while_it_grows():
    cutter = LineCutter(MARKER, 100)
    pieces = [line for _ in range(50) for line in cutter.feed(b"x" * 64)]
    assert len(pieces) >= 50 * 64 // 100 - 2
    assert len(cutter._rest) < 300


def test_a_record_in_parts_holds_no_more_than_a_line():
    cutter = LineCutter(MARKER, 100)
    part = record("y" * 64, more=True)
    pieces = [line for _ in range(50) for line in cutter.feed(part)]
    assert len(pieces) == 50 * 64 // 100 - (50 * 64 % 100 == 0)
    assert len(cutter._unended[0]) <= 100


@pytest.mark.parametrize(
    ("said", "left"),
    [
        (b"whole\n", ""),
        (b"whole\n 10%\r 20%", " 10%\r 20%"),
        ("half of ✔".encode()[:-1], "half of "),
        (b"\xff\0", "␀"),
        (b"print" + record("log")[:-5], "print"),
        (record("log")[:-5], ""),
        (MARKER[:5], ""),
        (b"x" * 1500, "x" * 1000),
        (b"1%" + b"x" * 600 + b"\r2%" + b"x" * 800, "2%" + "x" * 800),
        (b"x" * 1500 + b"\r", "x" * 999 + "\r"),
    ],
)
def test_what_is_said_is_there_before_its_line_ends(said, left):
    cutter = LineCutter(MARKER, 16 * 1024)
    list(cutter.feed(said))
    assert cutter.open_line == left
    list(cutter.end())
    assert cutter.open_line == ""
