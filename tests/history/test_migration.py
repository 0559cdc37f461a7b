"""A database of release 0.1.0 tells the same once its journal has codes."""

import fcntl
import json
import os
import socket
import threading
import uuid

import pytest

from jobs.codes import Code, Fact
from jobs.text import without_marks
from tests.history.codes import NEWER
from tests.history.database import old_database
from tests.support.programs import program
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.either, pytest.mark.usefixtures("db")]
LAST_BEFORE = "0007"
# What release 0.1.0 said in other words than this one.
REWORDED = {
    "its worker showed no sign of life for too long": "its worker sent no heartbeat for too long",
    "its worker was taken for dead, and began anew": (
        "its worker was declared dead and started again"
    ),
    " tries again at ": " is retried at ",
    "steps of it are tried again": "steps are retried",
    "to be tried again": "retried",
    "what it needs is tried again": "a dependency is retried",
    "returned something unusable": "returned an unusable result",
    "its worker vanished": "its worker was lost",
}
SAME = (
    "id, job_id, seq, tag, kind, step_id, attempt, from_status, to_status, at, actor, source, "
    "reason"
)


@pytest.fixture
def old(tmp_path):
    with old_database(tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def migrated(django_db_setup, tmp_path_factory):
    """One that is only looked at: the database, and what ``migrate`` printed."""
    with old_database(tmp_path_factory.mktemp("migrated")) as found:
        yield found, found.migrate()


@pytest.mark.both
def test_pages_show_and_audit_tell_the_same_as_before(migrated):
    old, output = migrated
    assert "255 journal entries have codes; 0 of them keep their text.\nclean: 23 jobs" in output
    before, now = old.told_before(), old.told_now()
    assert now["audit"] == before["audit"]
    for was, is_ in zip(before["jobs"], now["jobs"], strict=True):
        assert_has(is_["show"], was["show"])
        assert_same_page(is_["page"], was["page"])


def assert_has(found, wanted):
    """What was there is there; there may be more keys."""
    if isinstance(wanted, dict):
        for key, value in wanted.items():
            assert_has(found[key], value)
    elif isinstance(wanted, list):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            assert_has(one, other)
    else:
        assert found == wanted


def assert_same_page(found, wanted):
    assert found.keys() == wanted.keys()
    for key, text in wanted.items():
        assert read(found[key]) in (read(text), read(reworded(text)))


def reworded(text):
    for was, is_ in REWORDED.items():
        text = text.replace(was, is_)
    return text


def read(text):
    """What a reader takes in: no marks of direction, and no colons, of which some became tags."""
    return without_marks(text).replace(":", "")


def test_old_jobs_go_on_and_are_retried(old, tmp_path):
    old.migrate()
    [(waiting,)] = old.execute("SELECT uuid FROM truestep_job WHERE id = 23")
    [(cancelled,)] = old.execute("SELECT uuid FROM truestep_job WHERE id = 21")
    for job in (waiting, cancelled):
        (tmp_path / f"{uuid.UUID(str(job))}-waiting").touch()
    more = {"SIGNS": str(tmp_path), "RUN_DIRECTORY": str(tmp_path / "run")}
    with program("worker", env=old.environment | more):
        retry = "from jobs.orchestrator import retry; print(retry(21))"
        assert "['waiting', 'after']" in old.manage("shell", "-c", retry).stdout
        for job in (23, 21):
            status = f"SELECT status FROM truestep_job WHERE id = {job}"
            wait_for(lambda: old.execute(status) == [("succeeded",)])  # noqa: B023
    assert old.manage("audit").stdout.startswith("clean: 23 jobs")


def test_every_other_column_stays(old):
    before = old.journal(SAME)
    old.migrate()
    assert old.journal(SAME) == before


@pytest.mark.both
def test_codes_and_data_give_the_words_that_were_stored(migrated):
    old, _ = migrated
    found = old.journal("reason", "code", "data")
    unwritten = {Code.TEXT, Code.STEP_ASKED_TO_STOP, *NEWER}
    assert {code for _, code, _ in found} == set(Code) - unwritten
    for reason, code, data in found:
        assert Fact(code, json.loads(data)).reason == reworded(reason)


def test_an_end_has_the_counts_of_its_step(migrated):
    """The step's row has them as they are after its last move."""
    old, _ = migrated
    columns = ("log_lines", "failures", "crashes", "interruptions")
    ends = old.execute(
        f"SELECT t.data, s.{', s.'.join(columns)} FROM truestep_transition AS t "
        "JOIN truestep_step AS s ON s.id = t.step_id AND s.tag = t.tag "
        "WHERE t.from_status = 'running'"
    )
    assert len(ends) > 30
    for data, *counts in ends:
        assert [json.loads(data)[column] for column in columns] == counts


def test_data_name_the_rows_beside(migrated):
    old, _ = migrated
    claims = old.execute(
        "SELECT t.data, a.worker_id FROM truestep_transition AS t JOIN truestep_attempt AS a "
        "ON a.step_id = t.step_id AND a.number = t.attempt WHERE t.code = 'step.claimed'"
    )
    assert claims
    assert all(json.loads(data)["worker_id"] == worker for data, worker in claims)
    names = dict(old.execute("SELECT id, name FROM truestep_step"))
    skips = old.execute(
        "SELECT data FROM truestep_transition WHERE code = 'step.dependency_unsuccessful'"
    )
    assert skips
    for data in (json.loads(data) for (data,) in skips):
        assert names[data["dependency_id"]] == data["dependency"]


def test_a_retry_names_the_steps_that_it_took(migrated):
    old, _ = migrated
    retries = old.execute(
        "SELECT job_id, data FROM truestep_transition WHERE code = 'request.retry' "
        "ORDER BY job_id, seq"
    )
    assert [(job, *json.loads(data)["steps"]) for job, data in retries] == [
        (1, "before", "waiting", "after"),
        (6, "größe_messen"),
        (15, "left"),
        (15, "left", "right"),
        (15, "left", "right"),
        (18, "waiting"),
    ]


def test_what_cannot_be_read_keeps_its_text(old):
    old.execute(
        "INSERT INTO truestep_transition (job_id, seq, tag, kind, attempt, from_status, to_status, "
        "at, actor, source, reason) SELECT id, seq + 1, 'abcdef00', 'note', 0, '', '', created_at, "
        "'', '', 'a sentence of a fork' FROM truestep_job WHERE id = 23"
    )
    old.execute("UPDATE truestep_job SET seq = seq + 1, tag = 'abcdef00' WHERE id = 23")
    assert "1 of them keep their text." in old.migrate()
    *_, last = old.journal("reason", "code", "data")
    assert last == ("a sentence of a fork", "text", '{"text": "a sentence of a fork"}')


def test_an_entry_is_guarded_again_afterwards(migrated):
    old, _ = migrated
    with pytest.raises(Exception, match="a journal entry is never changed"):
        old.execute("UPDATE truestep_transition SET code = 'text'")


@pytest.mark.both
def test_back_and_forward_again_gives_the_same(old):
    old.migrate()
    before = old.state()
    old.migrate("truestep", LAST_BEFORE)
    old.migrate()
    assert old.state()[:-2] == before[:-2]


def test_a_failure_half_way_changes_nothing(old):
    """The database refuses one of the last entries, as a full disk would."""
    old.migrate("truestep", "0008")
    add_notes(old, upto=6000)  # more than one statement writes
    if old.kind == "sqlite":
        old.execute(
            "CREATE TRIGGER full BEFORE UPDATE ON truestep_transition WHEN NEW.seq = 6000 "
            "BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )
    else:
        old.execute("ALTER TABLE truestep_transition ADD CHECK (seq < 6000 OR code = '')")
    before = old.state()
    assert old.manage("migrate").returncode == 1
    assert set(old.journal("code")) == {("",)}
    *rows, triggers = old.state()
    assert rows == before[:-1]
    if old.kind == "postgresql":  # on SQLite, ``migrate`` makes them at its end
        assert triggers == before[-1]


def add_notes(old, upto):
    old.execute(
        "INSERT INTO truestep_transition (job_id, seq, tag, kind, attempt, from_status, to_status, "
        "at, actor, source, reason, code, data) "
        "WITH RECURSIVE n(seq) AS (SELECT 2 UNION ALL SELECT seq + 1 FROM n WHERE seq < %s) "
        "SELECT id, n.seq, 'abcdef00', 'note', 0, '', '', created_at, '', '', 'a note', '', '{}' "
        "FROM n CROSS JOIN truestep_job WHERE id = 23",
        upto,
    )


def add_worker(old, host, lock_path):
    old.execute(
        "INSERT INTO truestep_worker (uuid, host, pid, slots, knows, lock_path, beats, beat_at, "
        "started_at) SELECT %s, %s, 4711, 1, '{}', %s, 5, started_at, started_at "
        "FROM truestep_worker WHERE id = 1",
        uuid.uuid4().hex,
        host,
        str(lock_path),
    )


def test_a_worker_that_holds_its_lock_stops_the_migration_before_it_begins(old, tmp_path):
    lock = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    add_worker(old, socket.gethostname(), tmp_path / "lock")
    before = old.state()
    done = old.manage("migrate")
    assert done.returncode == 1
    assert f"{socket.gethostname()}:4711. Nothing was changed. Stop them" in done.stderr
    assert old.state() == before
    os.close(lock)
    old.migrate()


def test_a_worker_of_another_host_stops_the_migration_while_its_heartbeats_come(old):
    add_worker(old, "elsewhere", "/nowhere")
    is_over = threading.Event()

    def beat():
        while not is_over.wait(0.2):
            old.execute("UPDATE truestep_worker SET beats = beats + 1 WHERE host = 'elsewhere'")

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        done = old.manage("migrate")
    finally:
        is_over.set()
        thread.join()
    assert done.returncode == 1
    assert "elsewhere:4711" in done.stderr
    old.migrate()
