"""Windows: which jobs a page shows, and the mark that changes with them."""

import pytest
from django.db import connection

from jobs import workers
from jobs.logs import LogBook
from jobs.orchestrator import claim, finish, launch
from jobs.sight.job_list import (
    PAGE_SIZE,
    IdWindow,
    ListWindow,
    has_jobs_without_worker,
)
from jobs.sight.totals import counts
from tests.support import Cost, drive, returned


@pytest.mark.parametrize(
    ("window", "found"),
    [
        (ListWindow(), ["waits", "noop"]),
        (ListWindow(status="succeeded"), ["noop"]),
        (ListWindow(definition="waits"), ["waits"]),
        (ListWindow(status="succeeded", definition="waits"), []),
        (ListWindow(status="running"), []),
        (ListWindow(status="nonsense"), []),
    ],
)
def test_a_window_holds_what_its_filter_selects_newest_first(claimant, window, found):
    drive(claimant, launch("noop"))
    launch("waits", {"gate": "/"})
    assert [job.definition for job in window.page().jobs] == found


def test_a_window_goes_on_where_another_one_ends(database):
    ids = [launch("noop").pk for _ in range(PAGE_SIZE + 2)]
    shown = [job.pk for job in ListWindow().page().found]
    assert shown == ids[:0:-1]  # one more than a page, so that it is known whether there is more
    older = ListWindow(before=shown[PAGE_SIZE - 1])
    assert [job.pk for job in older.page().jobs] == ids[1::-1]


@pytest.mark.parametrize(
    ("window", "index"),
    [
        (ListWindow(status="failed"), "job_by_status"),
        (ListWindow(definition="noop", before=7), "job_by_definition"),
        (ListWindow(status="failed", definition="noop"), "job_by_both"),
        (ListWindow(status="failed", definition="noop", before=7), "job_by_both"),
    ],
)
def test_each_filter_is_read_from_its_own_index(database, window, index):
    """Its keys are. On PostgreSQL no other index gives the order that one filter asks for."""
    with Cost() as cost:
        window.page()
    [sql] = [sql for sql in cost.statements if "ended_at" in sql]
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        else:
            cursor.execute("SET enable_seqscan = off")
            cursor.execute("SET enable_bitmapscan = off")
            cursor.execute("SET enable_sort = off")
            cursor.execute(f"EXPLAIN {sql}")
        plan = "\n".join(row[-1] for row in cursor.fetchall())
        if connection.vendor != "sqlite":
            cursor.execute("RESET ALL")
    assert f" {index} " in plan


def test_a_mark_changes_with_every_move_of_a_job_in_the_window(claimant):
    job = launch("noop")
    marks = [ListWindow().read().mark, ListWindow().read().mark]
    drive(claimant, job)
    marks += [ListWindow().read().mark]
    assert marks[0] == marks[1] != marks[2]


def test_a_rows_version_is_its_seq_and_a_whole_jobs_also_its_log(claimant):
    job, other = launch("noop"), launch("noop")
    rows, whole = IdWindow((job.pk,)), IdWindow((job.pk,), whole=True)
    [held] = claim(claimant, room=1)
    before = rows.read().mark, whole.read().mark
    book = LogBook(held, 1000)
    book.add("a line")
    book.write()
    assert rows.read().mark == before[0]
    assert whole.read().mark != before[1]
    assert IdWindow((other.pk,)).read().mark != rows.read().mark
    finish(claimant, held, returned(), room=0)
    assert rows.read().mark != before[0]


@pytest.mark.parametrize(("only", "said"), [(None, False), ("the first", True), ("both", False)])
def test_a_worker_for_one_job_does_not_count_for_others(database, only, said):
    first, second = launch("noop"), launch("noop")
    alone = {None: [None], "the first": [first.pk], "both": [first.pk, second.pk]}[only]
    registrations = [workers.register(slots=1, knows={}, only_job=job) for job in alone]
    try:
        assert has_jobs_without_worker(counts()) == said
    finally:
        for registration in registrations:
            registration.release()


def test_the_counts_of_all_jobs_are_part_of_what_a_page_shows(claimant):
    job = launch("noop")
    empty = ListWindow(before=job.pk)
    mark = empty.read().mark
    drive(claimant, job)
    assert list(empty.page().jobs) == []
    assert empty.read().mark != mark
