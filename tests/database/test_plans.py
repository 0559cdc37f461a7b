"""What a worker asks of PostgreSQL again and again reads few rows, whatever its statistics say."""

import pytest
from django.db import connection

from jobs import Concurrency
from jobs import database as db
from jobs.journal import JobState, commit
from jobs.models import count_before, lines_behind, read_line, ready_steps
from jobs.orchestrator import cancel, claim, finish, launch
from jobs.sight import run_times
from jobs.sight.run_times import last_runs
from jobs.upkeep.deadlines import Deadlines
from tests.support import drive, returned

pytestmark = pytest.mark.postgres

TABLES = (
    "truestep_job",
    "truestep_step",
    "truestep_need",
    "truestep_attempt",
    "truestep_transition",
)


def rows_read():
    """Rows that this session has read, except what it has reported already, about once a second."""
    return dict(
        db.rows(
            "SELECT relname, seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables "
            "WHERE relname = ANY(%s)",
            list(TABLES),
        )
    )


def rows_read_by(operation):
    """How many rows of one table it reads at most, also in triggers and for foreign keys."""
    before = rows_read()
    operation()
    return max(count - before.get(table, 0) for table, count in rows_read().items())


def vacuum(option=""):
    with connection.cursor() as cursor:
        # Not the jobs: statistics stay, and later tests look at plans for them.
        cursor.execute(
            f"VACUUM {option} truestep_step, truestep_need, truestep_attempt, truestep_transition"
        )


@pytest.mark.parametrize("is_analyzed", [False, True])
@pytest.mark.parametrize("operation", ["launch", "cancel"])
def test_a_batch_scans_no_table(transactional_db, operation, is_analyzed):
    """… for each of its rows, as a trigger or foreign key would if it had no index of its own."""
    connection.close()  # with the plans that foreign keys have from other tests
    cancel(launch("diamond").pk)
    if is_analyzed:  # as tiny tables; the plans for them stay with the connection
        vacuum("ANALYZE")
    for _ in range(10):
        cancel(launch("diamond").pk)
    if operation == "launch":
        most = rows_read_by(lambda: launch("five_hundred_wide"))
    else:
        job = launch("five_hundred_wide")
        most = rows_read_by(lambda: cancel(job.pk))
    assert most < 50 * 500  # one that is read through: 500 for each row


def test_a_batch_reads_no_history_of_other_jobs(transactional_db):
    """Nor do plans that the connection has made for tiny tables."""
    for name in (*["noop"] * 50, "five_hundred_wide"):
        cancel(launch(name).pk)
    state = JobState.load(launch("noop").pk)

    def decide(batch):
        batch.request_cancel()
        batch.cancel_pending()

    assert rows_read_by(lambda: commit(state, decide)) < 100


def test_a_look_for_ready_steps_reads_no_history(transactional_db):
    """Statistics that say that most steps are ready are wrong as soon as all have run."""
    connection.close()
    waiting = [launch("stubborn").pk for _ in range(500)]
    vacuum("ANALYZE")
    for pk in waiting:
        cancel(pk)
    job = launch("noop")
    vacuum()
    assert [step.job_id for step in ready_steps(20).steps] == [job.pk]
    assert rows_read_by(lambda: ready_steps(20)) < 50


@pytest.mark.parametrize("is_analyzed", [False, True])
def test_a_look_at_a_line_reads_no_other_jobs(transactional_db, is_analyzed):
    """Nor those that wait behind the first one."""
    connection.close()
    key = Concurrency(key="a key")
    holder = launch("noop", concurrency=key)
    for _ in range(200):
        launch("noop")
        waiting = launch("noop", concurrency=key)
    if is_analyzed:
        vacuum("ANALYZE")
    assert read_line("a key").first == holder.pk + 2
    assert rows_read_by(lambda: read_line("a key")) < 20
    assert rows_read_by(lambda: lines_behind("", 100)) < 20
    assert rows_read_by(lambda: count_before(waiting, 50)) < 100


def test_a_worker_keeps_no_plan_that_is_right_for_a_tiny_queue_alone(transactional_db):
    """A bitmap of the index would read each entry that was deleted since the last vacuum."""
    connection.close()
    with db.restoring_lock_timeout():
        db.set_lock_timeout(1)  # as a worker does
        for _ in range(12):
            launch("noop")
        vacuum()
        for _ in range(10):  # the plan that stays is made after some times
            ready_steps(20)
        [(name,)] = db.rows(
            "SELECT name FROM pg_prepared_statements WHERE statement LIKE '%%served%%' "
            "AND generic_plans > 0"
        )
        plan = "\n".join(line for (line,) in db.rows(f"EXPLAIN EXECUTE {name}(0, 0, 0, NULL)"))
    assert "Index Scan using step_in_queue on truestep_step step" in plan
    assert "Bitmap" not in plan and "Seq Scan on truestep_step" not in plan


def test_a_success_reads_no_other_step_of_its_job(claimant):
    """Statistics that say that no step is pending are wrong as soon as a job is launched."""
    connection.close()
    cancel(launch("five_hundred_wide").pk)
    vacuum("ANALYZE")
    launch("five_hundred_wide")
    for _ in range(10):  # the plan that stays is made after some times
        [held] = claim(claimant, room=1)
        finish(claimant, held, returned(), room=0)
    [held] = claim(claimant, room=1)
    assert rows_read_by(lambda: finish(claimant, held, returned(), room=0)) < 100


@pytest.mark.parametrize("is_analyzed", [False, True])
def test_run_times_are_read_from_the_last_jobs_alone(claimant, monkeypatch, is_analyzed):
    """Whether statistics know of the history or are as old as an empty database."""
    monkeypatch.setattr(run_times, "RUNS", 10)
    connection.close()
    if not is_analyzed:
        vacuum("ANALYZE")
    for _ in range(100):
        drive(claimant, launch("noop"))
        cancel(launch("diamond").pk)
    job = launch("noop")
    for _ in range(100):  # the newest ones are others, or have no runs yet
        cancel(launch("diamond").pk)
        launch("noop")
    vacuum("ANALYZE" if is_analyzed else "")
    run_times._remembered.clear()
    assert len(last_runs(job).steps["one"].seconds) == 10
    run_times._remembered.clear()
    # It may read its few hundred jobs once, but not 500 attempts or 1,800 steps again and again.
    assert rows_read_by(lambda: last_runs(job)) < 1000


@pytest.mark.parametrize("is_analyzed", [False, True])
def test_a_look_for_deadlines_reads_no_backlog(claimant, is_analyzed):
    """Neither jobs that have none nor those whose deadline is far."""
    connection.close()
    if not is_analyzed:
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE truestep_job")
    for _ in range(300):
        launch("noop")
    launch("bounded")
    if is_analyzed:
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE truestep_job")
    assert rows_read_by(lambda: Deadlines(claimant).run(held=())) < 20
