"""A log is read by line number, and never commands a terminal or a page."""

import io
from dataclasses import replace

import pytest
from django.core.management import call_command

from jobs import logs
from jobs.live import fragments
from jobs.logs import CONTINUES, Choice, LineCutter, LogBook
from jobs.models import LogChunk
from jobs.orchestrator import finish
from jobs.statuses import Verdict
from tests.support import Cost, ended, job_of
from tests.support.driving import write_log
from tests.support.follower import Follower

HOSTILE = "\x1b[2J\x1b]0;owned\x07 \x9b31m root@host\r\x1b[31m# \x1b"
STORED = "\x1b[2J\x1b]0;owned␇ �31m root@host\r\x1b[31m# \x1b"
SHOWN = "# ␛1m root@host"
OLD = "␛[2J␛]0;owned␇ �31m root@host␍# "


@pytest.mark.parametrize(
    ("first", "count", "numbers"),
    [(1, 3, [1, 2, 3]), (499, 4, [499, 500, 501, 502]), (1000, 10, [1000]), (1001, 10, [])],
)
def test_a_log_is_read_by_line_number(held, first, count, numbers):
    write_log(held, map(str, range(1, 1001)))
    read = logs.read(held.step_id, first, count)
    assert [line.number for line in read] == numbers
    assert [line.text for line in read] == list(map(str, numbers))


def test_a_whole_log_is_read_some_chunks_at_a_time(held, monkeypatch):
    """A reader that takes its time holds no cursor and no snapshot of the database."""
    monkeypatch.setattr("jobs.logs.reading.CHUNKS_AT_ONCE", 2)
    for number in range(5):
        write_log(held, [f"line {number}"])
        held = replace(held, log_lines=number + 1)
    text = logs.text_of(held.step_id)
    with Cost() as cost:
        read = [next(text), next(text)]
    assert [sql[-7:] for sql in cost.statements] == ["LIMIT 2"]
    assert "".join([*read, *text]) == "".join(f"line {number}\n" for number in range(5))
    assert "".join(logs.text_of(held.step_id, attempt=2)) == ""


@pytest.fixture
def hostile(held):
    """An attempt whose step has printed what a terminal would obey."""
    cutter, book = LineCutter(b"marker", 1000), LogBook(held, 10**6)
    for text, level in cutter.feed(f"{HOSTILE}\r\nnext\n".encode()):
        book.add(text, level)
    book.write()
    return held


def test_colours_and_redraws_are_stored(hostile):
    assert LogChunk.objects.get().lines() == [STORED, "next"]


def test_every_reader_gets_lines_as_they_are_drawn(hostile):
    assert [line.text for line in logs.read(hostile.step_id, 1, 9)] == [SHOWN, "next"]
    assert "".join(logs.text_of(hostile.step_id)) == f"{SHOWN}\nnext\n"


def test_a_line_that_an_earlier_release_has_stored_visible_reads_as_before(held):
    write_log(held, [OLD, "plain"])
    assert [line.text for line in logs.read(held.step_id, 1, 9)] == [OLD, "plain"]


def test_a_page_draws_them(ada, hostile):
    job = hostile.job_id
    _, fragment = fragments.log_lines(logs.read(hostile.step_id, 1, 9))
    shown = [
        fragment,
        ada.get(f"/jobs/{job}/steps/one/log").getvalue().decode(),
        ada.get(f"/jobs/{job}/").text,
    ]
    assert '<span class="fg-1"># ␛</span>1m root@host' in fragment
    assert SHOWN in shown[1]
    for text in shown:
        assert "\x1b" not in text
        assert "\r" not in text


def test_a_follower_in_a_terminal_prints_them_as_drawn(claimant, hostile):
    finish(claimant, hostile, ended(Verdict.FAILED), room=0)
    follower = Follower(job_of(hostile.job_id))
    _, lines = follower.look()
    assert f"│ one {' '.join(SHOWN.split())}" in lines
    assert not any("\x1b" in line or "\r" in line for line in follower.lines)


def test_a_follower_prints_each_row_and_nothing_that_is_drawn_over(claimant, held):
    write_log(held, ["one\x1b[A\rtwo", f"10%\r{CONTINUES}", "20%", "::endgroup::"])
    finish(claimant, held, ended(Verdict.FAILED), room=0)
    _, lines = Follower(job_of(held.job_id)).look()
    assert [line for line in lines if line.startswith("│ one ")] == [
        "│ one two",
        "│ one one",
        "│ one 20%",
    ]


@pytest.mark.parametrize("ends", [False, True])
def test_show_prints_none_of_them(claimant, hostile, ends):
    if ends:
        finish(claimant, hostile, ended(Verdict.FAILED), room=0)
    printed = io.StringIO()
    call_command("show", hostile.job_id, stdout=printed)
    assert "one" in printed.getvalue()
    assert "\x1b" not in printed.getvalue()
    assert "\r" not in printed.getvalue()


def test_pieces_of_a_long_line_are_one_in_the_raw_text(held):
    cutter, book = LineCutter(b"marker", 100), LogBook(held, 10**6)
    said = "x" * 250 + "\n" + "1%\r" * 50 + "done\nnext\n"
    for text, level in cutter.feed(said.encode()):
        book.add(text, level)
    book.write()
    assert "".join(logs.text_of(held.step_id, raw=True)) == said
    pieces = [f"{'x' * 100} …⏎", f"{'x' * 100} …⏎", "x" * 50]
    assert "".join(logs.text_of(held.step_id)) == "\n".join([*pieces, "done", "next", ""])
    read = logs.read(held.step_id, 1, 10)
    assert [line.text for line in read if line.is_shown] == [*pieces, "done", "next"]
    last, html = fragments.log_lines(read[:4])
    assert (last, html.count("<li")) == (4, 3)


def test_a_group_is_a_button_and_its_lines_say_to_which_they_belong(held):
    write_log(held, ["::group::Build <it>", "one", "##[endgroup]", "two"])
    last, html = fragments.log_lines(logs.read(held.step_id, 1, 10))
    assert last == 4
    assert '<button class="fold" aria-expanded="true">Build &lt;it&gt;</button>' in html
    assert html.count("data-group") == 1
    assert 'data-group="1"><span>one</span>' in html
    assert "endgroup" not in html


def test_a_frame_ends_early_where_lines_are_long_to_draw(held, monkeypatch):
    monkeypatch.setattr(fragments, "BYTES_PER_FRAME", 5000)
    write_log(held, ["1%\r" * 1000] * 9)
    last, html = fragments.log_lines(logs.read(held.step_id, 1, 10))
    assert last == 2
    assert html.count("<span>1%</span>") == 2


@pytest.fixture
def mixed(held):
    """1,300 lines, of which every hundredth is a warning and number 650 an error."""
    book = LogBook(held, 10**6)
    for number in range(1, 1301):
        book.add(str(number), "e" if number == 650 else "i" if number % 100 else "w")
    book.write()
    return held.step_id


@pytest.mark.parametrize(
    ("first", "end", "level", "numbers", "covered"),
    [
        (1, 1300, "w", [*range(100, 700, 100), 650, *range(700, 1400, 100)], 1300),
        (1, 1300, "e", [650], 1300),
        (1, 1300, "c", [], 1300),
        (601, 699, "i", range(601, 700), 699),
        (601, 650, "w", [650], 650),
        (1, 1300, "d", range(1, 501), 500),
    ],
)
def test_lines_of_a_level(mixed, first, end, level, numbers, covered):
    lines, last = logs.read_chosen(mixed, Choice(level), first, end, 500)
    assert [line.number for line in lines] == sorted(numbers)
    assert last == covered


def test_a_read_of_a_level_passes_over_so_many_lines(mixed, monkeypatch):
    monkeypatch.setattr("jobs.logs.reading.MOST_PASSED", 600)
    assert logs.read_chosen(mixed, Choice("c"), 1, 1300, 500) == ([], 1000)
    assert logs.read_chosen(mixed, Choice("c"), 1001, 1300, 500) == ([], 1300)
    assert logs.start_of_newest(mixed, Choice("c"), 1, 1300) == 501


@pytest.mark.parametrize(
    ("count", "end", "level", "start"),
    [(1, 1300, "w", 1001), (4, 1300, "w", 501), (99, 1300, "w", 1), (1, 1300, "e", 501)],
)
def test_where_the_newest_lines_of_a_level_begin(mixed, count, end, level, start):
    assert logs.start_of_newest(mixed, Choice(level), count, end) == start


def test_folded_groups_are_left_out_however_long_they_are(held):
    texts = ["::group::Long", *map(str, range(2, 2001)), "::endgroup::", "behind", "::group::Short"]
    write_log(held, [*texts, "in it", "##[endgroup]", "last"])
    choice = Choice(folded=frozenset({1}))
    lines, last = logs.read_chosen(held.step_id, choice, 1, 2006, 500)
    assert [line.text for line in lines if line.is_shown] == [
        *("::group::Long", "behind", "::group::Short", "in it", "last")
    ]
    assert last == 2006
    lines, last = logs.read_chosen(held.step_id, choice, 2, 2006, 1)
    assert ([line.number for line in lines], last) == ([2002, 2003, 2004, 2005, 2006], 2006)
    assert logs.start_of_newest(held.step_id, choice, 200, 2006) == 1
    both = Choice(folded=frozenset({1, 2003}))
    lines, _ = logs.read_chosen(held.step_id, both, 1, 2006, 500)
    assert [line.number for line in lines] == [1, 2002, 2003, 2006]
