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
