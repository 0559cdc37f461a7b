"""Bytes in, numbered lines out."""

import json

import pytest
from django.db import OperationalError

from jobs import crashpoints, logs
from jobs.exceptions import Overtaken
from jobs.logs import CONTINUES, LineCutter, LogBook
from jobs.models import LogChunk
from jobs.orchestrator import claim, finish, launch
from jobs.statuses import Verdict
from tests.support import ended, returned, rows, step_of

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


# --- cutting --------------------------------------------------------------------------------------

STREAMS = {
    "plain": (b"one\ntwo\n", [("one", "i"), ("two", "i")]),
    "no newline at the end": (b"one\ntwo", [("one", "i"), ("two", "i")]),
    "empty lines": (b"\n\n", [("", "i"), ("", "i")]),
    "dos": (b"one\r\ntwo\r\n", [("one", "i"), ("two", "i")]),
    "a progress bar": (b"10%\r20%\n", [("10%␍20%", "i")]),
    "not utf-8": (b"\xff\xfe\n", [("��", "i")]),
    "nul": (b"a\0b\n", [("a␀b", "i")]),
    "a record": (record("hello", "w"), [("hello", "w")]),
    "a record of two lines": (record("one\ntwo", "e"), [("one", "e"), ("two", "e")]),
    "a record with a surrogate": (record("\ud800\r"), [("�", "i")]),
    "a record after an unfinished print": (
        b"print" + record("log"),
        [("print", "i"), ("log", "i")],
    ),
    "a torn record": (MARKER + b'{"l": "i"\n', [('{"l": "i"', "i")]),
    "an ended record": (record("log")[:-1], [("log", "i")]),
    "a long line": (b"x" * 250 + b"\n", [("x" * 100 + CONTINUES, "i")] * 2 + [("x" * 50, "i")]),
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
        [("10%␍20%", "i")],
    ),
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


def test_an_endless_line_is_told_while_it_grows():
    cutter = LineCutter(MARKER, 100)
    told = [line for _ in range(50) for line in cutter.feed(b"x" * 64)]
    assert len(told) >= 50 * 64 // 100 - 2
    assert len(cutter._rest) < 300


def test_a_record_in_parts_holds_no_more_than_a_line():
    cutter = LineCutter(MARKER, 100)
    part = record("y" * 64, more=True)
    told = [line for _ in range(50) for line in cutter.feed(part)]
    assert len(told) == 50 * 64 // 100 - (50 * 64 % 100 == 0)
    assert len(cutter._unended[0]) <= 100


# --- the book -------------------------------------------------------------------------------------


@pytest.fixture
def held(desk):
    launch("noop")
    [held] = claim(desk, room=1)
    return held


def write(held, *texts, limit=10**6):
    book = LogBook(held, limit)
    for text in texts:
        book.add(text)
    book.close()
    book.write()


def test_lines_are_numbered_from_1_on_without_a_gap(held):
    write(held, *(f"line {number}" for number in range(1, 1203)))
    write(held, "one more")
    chunks = LogChunk.objects.order_by("first").values_list("first", "last")
    assert list(chunks) == [(1, 500), (501, 1000), (1001, 1202), (1203, 1203)]
    assert [line.text for line in logs.read(held.step_id, 1201, 5)] == [
        "line 1201",
        "line 1202",
        "one more",
    ]


def test_a_chunk_of_long_lines_has_few(held):
    lines = [str(number) * 100_000 for number in range(8)]
    write(held, *lines)
    chunks = LogChunk.objects.order_by("first").values_list("first", "last")
    assert list(chunks) == [(1, 3), (4, 6), (7, 8)]
    assert [line.text for line in logs.read(held.step_id, 1, 10)] == lines


def test_numbers_go_on_across_attempts(desk):
    job = launch("noop")
    [first] = claim(desk, room=1)
    write(first, "a", "b")
    finish(desk, first, ended(Verdict.HANDED_BACK), room=0)
    [second] = claim(desk, room=1)
    write(second, "c")
    finish(desk, second, returned(), room=0)
    read = logs.read(step_of(job, "one").pk, 1, 10)
    assert [(line.number, line.text, line.attempt) for line in read] == [
        (1, "a", 1),
        (2, "b", 1),
        (3, "c", 2),
    ]
    assert "".join(logs.text_of(first.step_id, 1)) == "a\nb\n"
    assert "".join(logs.text_of(first.step_id)) == "a\nb\nc\n"


def test_an_attempt_that_lost_its_step_writes_nothing(desk):
    launch("noop")
    [held] = claim(desk, room=1)
    finish(desk, held, ended(Verdict.HANDED_BACK), room=0)
    before = rows()
    with pytest.raises(Overtaken, match="attempt 1 of one lost its step"):
        write(held, "too late")
    assert rows() == before


@pytest.mark.parametrize("point", ["log.before_commit", "log.after_commit"])
def test_a_write_whose_end_is_unknown_is_tried_again_and_leaves_each_line_once(held, point):
    def lose(name):
        if name == point:
            raise OperationalError("the connection was lost")

    book = LogBook(held, limit=10**6)
    for text in ("one", "two"):
        book.add(text)
    with crashpoints.watched(lose), pytest.raises(OperationalError):
        book.write()
    book.add("three")
    book.write()
    assert [line.text for line in logs.read(held.step_id, 1, 10)] == ["one", "two", "three"]


def test_what_is_beyond_the_limit_is_counted_and_said_once(held):
    book = LogBook(held, 20)
    for _ in range(10):
        book.add("12345")
    book.close()
    book.close()  # the database refused the first time, and the worker tries again
    book.write()
    *kept, told = [line.text for line in logs.read(held.step_id, 1, 100)]
    assert kept == ["12345"] * 3
    assert told.startswith("… 7 further lines are not kept: the log limit of 20 bytes")


@pytest.mark.parametrize(("size", "most"), [(10, 2000), (16 * 1024 - 1, 256)])
def test_a_book_is_full_of_many_lines_or_of_many_bytes(held, size, most):
    book = LogBook(held, 10**9)
    for number in range(1, most + 1):
        book.add("x" * size)
        assert book.is_full == (number == most)
    book.write()
    assert not book.is_full


def test_nothing_to_write_is_not_written(held, django_assert_num_queries):
    with django_assert_num_queries(0):
        LogBook(held, 100).write()


def test_each_line_has_its_level_and_its_time(held):
    book = LogBook(held, 1000)
    book.add("careful", "w")
    book.write()
    [line] = logs.read(held.step_id, 1, 10)
    assert (line.level, line.attempt) == ("w", 1)
    assert abs(line.at / 1000 - held.started_at.timestamp()) < 60


@pytest.mark.parametrize(
    ("first", "count", "numbers"),
    [(1, 3, [1, 2, 3]), (499, 4, [499, 500, 501, 502]), (1000, 10, [1000]), (1001, 10, [])],
)
def test_a_log_is_read_by_position(held, first, count, numbers):
    write(held, *map(str, range(1, 1001)))
    read = logs.read(held.step_id, first, count)
    assert [line.number for line in read] == numbers
    assert [line.text for line in read] == list(map(str, numbers))
