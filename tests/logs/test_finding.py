"""Lines are found by text and level, some at a time, as they are drawn."""

from __future__ import annotations

import pytest

from jobs import logs
from jobs.logs import CONTINUES, LogBook, Place, Wanted, finding
from jobs.orchestrator import claim, launch
from tests.support import step_of


@pytest.fixture
def said(held):
    """What the step has logged."""
    book = LogBook(held, 10**6)
    for text, level in [
        ("Connecting to DB-1", "i"),
        ("\x1b[31mCon\x1b[1mnec\x1b[0mted\x1b[K", "i"),
        ("slow answer from db-1", "w"),
        ("connec\rcon 100%", "i"),
        ("db-1 is gone", "e"),
        ("gave up", "c"),
        ("details", "d"),
    ]:
        book.add(text, level)
    book.write()
    return held.step_id


@pytest.mark.parametrize(
    ("wanted", "lines"),
    [
        (Wanted("db-1"), [1, 3, 5]),
        (Wanted("connected"), [2]),
        (Wanted("connec"), [1, 2]),
        (Wanted("con 100%"), [4]),
        (Wanted("", "w"), [3, 5, 6]),
        (Wanted("", "e"), [5, 6]),
        (Wanted("", "i"), [1, 2, 3, 4, 5, 6]),
        (Wanted("db-1", "w"), [3, 5]),
        (Wanted("details"), [7]),
        (Wanted("\x1b"), []),
        (Wanted("nothing"), []),
    ],
    ids=str,
)
def test_lines_are_found(said, wanted, lines):
    found = logs.find(wanted, [said])
    assert found.hits == ({said: lines} if lines else {})
    assert (found.searched, found.next) == (7, None)


def test_what_a_page_does_not_show_is_not_found(held):
    book = LogBook(held, 10**6)
    for text in ("::group::Load", f"10%\r{CONTINUES}", "10% is done", "##[endgroup]"):
        book.add(text)
    book.write()
    assert logs.find(Wanted("10%"), [held.step_id]).hits == {held.step_id: [3]}
    assert logs.find(Wanted("group"), [held.step_id]).hits == {held.step_id: [1]}


def test_a_long_search_goes_on_where_it_stopped(claimant, monkeypatch):
    monkeypatch.setattr(finding, "LINES_AT_ONCE", 600)
    monkeypatch.setattr(finding, "CHUNKS_AT_ONCE", 2)
    job = launch("bounded")
    for held in claim(claimant, room=2):
        book = LogBook(held, 10**6)
        for number in range(1, 1801):
            book.add(f"{'odd' if number % 2 else 'even'} {number}")
        book.write()
    steps = [step_of(job, name).pk for name in ("first", "beside")]
    start, hits, parts = None, [], 0
    while start or not parts:
        found = logs.find(Wanted("odd"), steps, start)
        hits += [Place(step, line) for step, lines in found.hits.items() for line in lines]
        start, parts = found.next, parts + 1
    assert hits == [Place(step, line) for step in steps for line in range(1, 1800, 2)]
    assert parts > 3


def test_a_search_begins_at_any_line(said):
    found = logs.find(Wanted("db-1"), [said], Place(said, 3))
    assert (found.hits, found.searched) == ({said: [3, 5]}, 5)


def test_so_many_steps_are_searched_at_once(said, monkeypatch):
    monkeypatch.setattr(finding, "STEPS_AT_ONCE", 2)
    found = logs.find(Wanted("db-1"), [said - 2, said - 1, said])
    assert (found.hits, found.next) == ({}, Place(said, 1))
    assert logs.find(Wanted("db-1"), [said - 2, said - 1, said], found.next).hits == {
        said: [1, 3, 5]
    }


def test_lines_that_were_found_are_read_by_their_numbers(held):
    book = LogBook(held, 10**6)
    for number in range(1, 1201):
        book.add(str(number))
    book.write()
    read = logs.read_some(held.step_id, [1, 499, 501, 1200, 1201])
    assert [line.text for line in read] == ["1", "499", "501", "1200"]
