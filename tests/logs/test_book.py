"""Lines are written in numbered chunks and read by position."""

import pytest
from django.db import OperationalError

from jobs import crashpoints, logs
from jobs.exceptions import Overtaken
from jobs.logs import LogBook
from jobs.models import LogChunk
from jobs.orchestrator import claim, finish, launch
from jobs.statuses import Verdict
from tests.support import ended, returned, rows, step_of
from tests.support.driving import write_log


def test_lines_are_numbered_from_1_on_without_a_gap(held):
    write_log(held, (f"line {number}" for number in range(1, 1203)))
    write_log(held, ["one more"])
    chunks = LogChunk.objects.order_by("first").values_list("first", "last")
    assert list(chunks) == [(1, 500), (501, 1000), (1001, 1202), (1203, 1203)]
    assert [line.text for line in logs.read(held.step_id, 1201, 5)] == [
        "line 1201",
        "line 1202",
        "one more",
    ]


def test_a_chunk_of_long_lines_has_few(held):
    lines = [str(number) * 100_000 for number in range(8)]
    write_log(held, lines)
    chunks = LogChunk.objects.order_by("first").values_list("first", "last")
    assert list(chunks) == [(1, 3), (4, 6), (7, 8)]
    assert [line.text for line in logs.read(held.step_id, 1, 10)] == lines


def test_numbers_go_on_across_attempts(claimant):
    job = launch("noop")
    [first] = claim(claimant, room=1)
    write_log(first, ["a", "b"])
    finish(claimant, first, ended(Verdict.HANDED_BACK), room=0)
    [second] = claim(claimant, room=1)
    write_log(second, ["c"])
    finish(claimant, second, returned(), room=0)
    read = logs.read(step_of(job, "one").pk, 1, 10)
    assert [(line.number, line.text, line.attempt) for line in read] == [
        (1, "a", 1),
        (2, "b", 1),
        (3, "c", 2),
    ]
    assert "".join(logs.text_of(first.step_id, 1)) == "a\nb\n"
    assert "".join(logs.text_of(first.step_id)) == "a\nb\nc\n"


def test_an_attempt_that_lost_its_step_writes_nothing(claimant):
    launch("noop")
    [held] = claim(claimant, room=1)
    finish(claimant, held, ended(Verdict.HANDED_BACK), room=0)
    before = rows()
    with pytest.raises(Overtaken, match="attempt 1 of one lost its step"):
        write_log(held, ["too late"])
    assert rows() == before


@pytest.mark.parametrize("point", ["log.before_commit", "log.after_commit"])
def test_a_repeated_write_after_a_lost_answer_keeps_each_line_once(held, point):
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


def test_lines_beyond_the_limit_are_counted_in_one_last_line(held):
    book = LogBook(held, 20)
    for _ in range(10):
        book.add("12345")
    book.close()
    book.close()  # the database refused the first time, and the worker tries again
    book.write()
    *kept, last = [line.text for line in logs.read(held.step_id, 1, 100)]
    assert kept == ["12345"] * 3
    assert last.startswith("… 7 further lines are not kept: the log limit of 20 bytes")


@pytest.mark.parametrize(("size", "most"), [(10, 2000), (16 * 1024 - 1, 256)])
def test_a_book_is_full_at_a_number_of_lines_or_bytes(held, size, most):
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


def test_each_chunk_says_in_which_style_and_group_it_begins(held):
    book = LogBook(held, 10**6)
    for text in ("::group::Build", "\x1b[1;31mred", "still"):
        book.add(text)
    book.write()
    for text in ("on", "\x1b[0mplain", "::endgroup::"):
        book.add(text)
    book.write()
    book.add("last")
    book.write()
    assert list(LogChunk.objects.order_by("first").values_list("style", "in_group")) == [
        ("", 0),
        ("1;31", 1),
        ("", 0),
    ]
    read = {line.text: line for line in logs.read(held.step_id, 1, 10)}
    assert {text: line.style.codes for text, line in read.items()} == {
        **{"::group::Build": "", "red": "", "still": "1;31"},
        **{"on": "1;31", "plain": "1;31", "::endgroup::": "", "last": ""},
    }
    assert [line.group for line in read.values()] == [0, 1, 1, 1, 1, 1, 0]
    assert read["::group::Build"].title == "Build"
    assert [text for text, line in read.items() if not line.is_shown] == ["::endgroup::"]


def test_warnings_and_errors_of_the_attempt_are_counted(claimant):
    job = launch("noop")
    [first] = claim(claimant, room=1)
    book = LogBook(first, 10**6)
    for level in "iweicwd":
        book.add("line", level)
        book.write()
    one = step_of(job, "one")
    assert (one.log_warnings, one.log_errors, one.error_line) == (2, 2, 5)
    finish(claimant, first, ended(Verdict.HANDED_BACK), room=0)
    [second] = claim(claimant, room=1)
    one = step_of(job, "one")
    assert (one.log_warnings, one.log_errors, one.error_line) == (0, 0, 0)
    book = LogBook(second, 10**6)
    book.add("line", "e")
    book.write()
    one = step_of(job, "one")
    assert (one.log_warnings, one.log_errors, one.error_line) == (0, 1, 8)


def test_what_no_newline_has_ended_is_in_the_row_until_it_ends(held):
    book = LogBook(held, 10**6)
    book.add("\x1b[31mred")
    book.leave_open("10%\r20%")
    assert book.is_dirty
    book.write()
    assert step_of(held.job_id, "one").open_line == "\x1b[31m10%\r20%"
    assert not book.is_dirty
    book.leave_open("")
    assert book.is_dirty
    book.write()
    assert step_of(held.job_id, "one").open_line == ""


def test_beyond_the_limit_nothing_stays_open(held):
    book = LogBook(held, 10)
    book.add("0123456789")
    book.leave_open("more")
    assert not book.is_dirty


@pytest.mark.parametrize("point", ["log.before_commit", "log.after_commit"])
def test_after_a_lost_answer_the_open_line_and_the_counts_are_right(held, point):
    def lose(name):
        if name == point:
            raise OperationalError("the connection was lost")

    book = LogBook(held, limit=10**6)
    book.add("\x1b[1mone", "w")
    book.leave_open("two")
    with crashpoints.watched(lose), pytest.raises(OperationalError):
        book.write()
    book.write()
    one = step_of(held.job_id, "one")
    assert (one.open_line, one.log_warnings, one.log_lines) == ("\x1b[1mtwo", 1, 1)
    book.add("two")
    book.leave_open("")
    book.write()
    assert LogChunk.objects.get(first=2).style == "1"
