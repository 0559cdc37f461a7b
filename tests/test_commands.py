"""The commands as a person types them: their words and exit codes.

Those that run steps, serve or are interrupted are real processes; the others run in this one.
"""

import http.client
import io
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from urllib.parse import urlsplit

import psutil
import pytest
from django.core.management import call_command, execute_from_command_line

from jobs import database as db
from jobs.checks import WEB_SERVERS
from jobs.database import triggers
from jobs.database.timeouts import current_lock_timeout
from jobs.models import Attempt, Job, Transition, Worker
from jobs.orchestrator import cancel, claim, launch
from jobs.sight.as_json import entry_as_json
from tests.support import (
    ROOT,
    drive,
    drop_trigger,
    job_of,
    program,
    step_of,
    wait_for,
    wait_until_gone,
)
from tests.support.driving import write_log

pytestmark = [pytest.mark.slow, pytest.mark.either]

ENTRY = ["job", "seq", "kind", "step", "attempt", "from", "to", "at", "actor", "reason"]
ENTRY += ["code", "data"]


def manage(*arguments, env=None, seconds=60):
    """A command that ends by itself: its exit code, what it wrote, what it complained."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"} | (env or {}),
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    return done.returncode, done.stdout, done.stderr


def manage_here(*arguments):
    """As ``manage``, in this process."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            execute_from_command_line(["manage.py", *arguments])
        except SystemExit as ending:
            code = ending.code or 0
    return code, out.getvalue(), err.getvalue()


def json_lines(text):
    return [json.loads(line) for line in text.splitlines()]


# --- launch ---------------------------------------------------------------------------------------


@pytest.mark.both
def test_launch_runs_the_job_itself_when_no_worker_can(database):
    code, out, err = manage("launch", "diamond")
    assert (code, err) == (0, "")
    assert Job.objects.get().status == "succeeded"
    assert re.match(r"\d{4}-\d\d-\d\d, times in UTC\n", out)
    assert re.search(r"· job \d+ diamond +launched by \w+", out)
    assert re.search(r"▶ top +running", out)
    assert re.search(r"✔ bottom +succeeded after (\d+ ms|\d\.\d s)", out)
    worker = Worker.objects.get()
    assert worker.only_job_id
    assert worker.stopped_at


def test_launch_leaves_the_job_to_a_living_worker(worker):
    code, _, err = manage("launch", "noop")
    assert (code, err) == (0, "")
    assert Worker.objects.count() == 1
    assert Attempt.objects.filter(worker__pid=worker.process.pid).count() == 5


def test_a_failed_job_is_exit_code_1_and_its_error_is_shown(database):
    code, out, _ = manage("launch", "fails")
    assert code == 1
    assert "ValueError: <b>no</b> such luck" in out
    assert "↷ after_bad" in out
    assert "✔ sibling" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing"], "No definition is named 'nothing'. Known definitions: "),
        (["waits"], "--gate: This field is required."),
        (["noop", "--gate", "x"], "unrecognized arguments: --gate x"),
        (["chatters", "--lines", "many"], "--lines: Enter a whole number."),
        (["particular"], "from command"),
        (["noop", "--det"], "unrecognized arguments: --det"),
        (
            ["misbehaves", "--behaviour", "be good"],
            "--behaviour: Select a valid choice. be good is not one",
        ),
        (["waits", "--gate"], "argument --gate: expected one argument"),
    ],
)
def test_a_bad_name_or_parameter_is_exit_code_2(database, arguments, words):
    code, out, err = manage("launch", *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert "Traceback" not in err
    assert not Job.objects.exists()


def test_a_job_cancelled_by_someone_else_is_exit_code_3(database):
    with program("launch", "hangs") as running:
        job = wait_for(Job.objects.first)
        wait_for(lambda: step_of(job, "hang").log_lines)
        cancel(job.pk, actor="ada")
        assert running.wait() == 3
    assert any("cancel requested by ada" in line for line in running.lines)


@pytest.mark.both
@pytest.mark.parametrize("name", ["launch noop", "worker", "serve --port 0"])
def test_without_its_triggers_nothing_starts(database, name):
    drop_trigger("truestep_job_birth", "truestep_job")
    try:
        code, out, err = manage(*name.split())
    finally:
        triggers.install()
    assert code == (4 if name.startswith("launch") else 1)
    assert "lacks the triggers" in err
    assert "manage.py migrate" in err
    assert "Traceback" not in out + err


@pytest.mark.sqlite
def test_a_database_without_tables_is_exit_code_4(tmp_path):
    """As in a checkout before its first migrate."""
    env = {"TRUESTEP_TEST_DIR": str(tmp_path)}
    code, _, err = manage("launch", "noop", env=env)
    assert (code, "migrate" in err, "Traceback" in err) == (4, True, False)


@pytest.mark.sqlite
def test_a_directory_that_cannot_be_opened_is_exit_code_4(tmp_path):
    env = {"TRUESTEP_TEST_DIR": str(tmp_path / "missing")}
    code, _, err = manage("launch", "noop", env=env)
    assert (code, "unable to open database file" in err, "Traceback" in err) == (4, True, False)


def test_broken_definitions_are_exit_code_4_and_named(tmp_path):
    package = tmp_path / "broken"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "jobs.py").write_text(
        "from jobs.definitions import JobDefinition, step\n"
        "class Broken(JobDefinition):\n"
        "    @step(needs=['nowhere'])\n"
        "    def one(self, run): ...\n"
    )
    (tmp_path / "broken_settings.py").write_text(
        "from tests.settings import *\nINSTALLED_APPS += ['broken']\n"
    )
    env = {"PYTHONPATH": str(tmp_path), "DJANGO_SETTINGS_MODULE": "broken_settings"}
    code, _, err = manage("launch", "noop", env=env)
    assert code == 4
    assert f"{package}/jobs.py:2 Broken: step 'one' needs 'nowhere'" in err


def test_a_priority_stands_before_the_name(database):
    manage_here("launch", "--priority", "-7", "noop", "--detach")
    assert Job.objects.get().priority == -7


def test_a_priority_that_is_none_launches_nothing(database):
    code, _, err = manage_here("launch", "--priority", "much", "noop", "--detach")
    assert code == 2
    assert "--priority: 'much' is not a whole number from -100 to 100" in err
    assert not Job.objects.exists()


def test_detach_prints_only_the_id(database):
    code, out, err = manage_here("launch", "noop", "--detach")
    assert (code, err) == (0, "")
    assert job_of(int(out)).status == "pending"


@pytest.mark.both
def test_a_program_that_calls_the_command_waits_for_locks_as_before(database):
    before = current_lock_timeout(), db.dialect().lock_timeout()
    call_command("launch", "noop", "--detach", stdout=io.StringIO())
    assert (current_lock_timeout(), db.dialect().lock_timeout()) == before


@pytest.mark.both
def test_json_prints_every_entry_from_the_birth_on_and_nothing_else(database):
    code, out, err = manage("launch", "--json", "fails")
    assert (code, err) == (1, "")
    entries = json_lines(out)
    job = Job.objects.get()
    assert entries == [entry_as_json(entry) for entry in Transition.objects.order_by("seq")]
    assert [entry["seq"] for entry in entries] == list(range(1, job.seq + 1))
    assert {tuple(entry) for entry in entries} == {tuple(ENTRY)}
    assert (entries[0]["kind"], entries[0]["step"], entries[0]["from"]) == ("birth", None, None)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]{8}\.\d{6}Z", entry["at"]) for entry in entries)


def test_parameters_are_options_of_the_command(database, tmp_path):
    (gate := tmp_path / "gate").touch()
    code, *_ = manage("launch", "chatters", "--lines=3", "--gate", str(gate))
    assert code == 0
    assert Job.objects.get().params == {"lines": ["3"], "gate": [str(gate)]}


def test_booleans_are_bare_and_multiple_values_repeat(database):
    code, *_ = manage(
        *("launch", "options", "--is-loud", "--many", "a", "--many", "b", "--on", "2026-01-02")
    )
    assert code == 0
    assert Attempt.objects.get().result == {"is_loud": True, "many": ["a", "b"], "on": "2026-01-02"}


def test_without_a_name_the_definitions_are_listed(database):
    code, out, _ = manage_here("launch")
    assert code == 0
    lines = out.splitlines()
    assert lines[lines.index("waits --gate") + 1] == (
        "    Its steps last until a file appears: a test decides when."
    )


def test_help_of_a_definition_shows_its_parameters(database):
    code, out, _ = manage_here("launch", "waits", "--help")
    assert code == 0
    assert re.search(r"--gate VALUE +The file to wait for", out)


def test_a_terminal_without_unicode_is_no_reason_to_fail(database):
    code, out, err = manage("launch", "noop", env={"PYTHONIOENCODING": "ascii"})
    assert (code, err) == (0, "")
    assert "succeeded" in out


def test_control_characters_do_not_reach_the_terminal(database):
    code, out, _ = manage("launch", "misbehaves", "--behaviour", "print ANSI")
    assert code == 0
    assert re.search(r"│ misbehave +red\n", out)
    assert "\x1b" not in out


def test_a_long_log_is_printed_complete_and_in_order(database):
    code, out, _ = manage("launch", "chatters", "--lines", "3609")
    output = re.findall(r"│ chatter +line (\d+) of the log", out)
    assert (code, output) == (0, [str(number) for number in range(1, 3610)])


# --- Ctrl-C ---------------------------------------------------------------------------------------


def test_ctrl_c_cancels(database):
    with program("launch", "hangs") as running:
        job = wait_for(Job.objects.first)
        wait_for(lambda: step_of(job, "hang").log_lines)
        children = psutil.Process(running.process.pid).children(recursive=True)
        running.process.send_signal(signal.SIGINT)
        assert running.wait() == 3
    assert job_of(job.pk).status == "cancelled"
    assert running.errors == ["Cancelling; Ctrl-C again kills the steps."]
    wait_until_gone(children)


def test_a_second_ctrl_c_kills(database):
    """The step resists longer than the test would wait."""
    with program("launch", "stubborn", env={"TEST_GRACE": "600"}) as running:
        job = wait_for(Job.objects.first)
        wait_for(lambda: step_of(job, "resist").log_lines)
        running.process.send_signal(signal.SIGINT)
        wait_for(lambda: running.errors)
        running.process.send_signal(signal.SIGINT)
        assert running.wait() == 130
    assert job_of(job.pk).status == "cancelled"


def test_ctrl_c_beside_a_worker_cancels_and_the_worker_lives_on(worker):
    with program("launch", "hangs") as running:
        job = wait_for(Job.objects.first)
        wait_for(lambda: step_of(job, "hang").log_lines)
        running.process.send_signal(signal.SIGINT)
        assert running.wait() == 3
    assert running.errors == ["Cancelling; Ctrl-C again leaves them to their worker."]
    assert worker.process.poll() is None


def test_a_second_ctrl_c_beside_a_worker_exits_immediately(database):
    with program("worker", env={"TEST_GRACE": "600"}) as worker:
        worker.wait_for_line("Worker with")
        wait_for(Worker.objects.exists)
        with program("launch", "stubborn") as running:
            job = wait_for(Job.objects.first)
            wait_for(lambda: step_of(job, "resist").log_lines)
            running.process.send_signal(signal.SIGINT)
            wait_for(lambda: running.errors)
            running.process.send_signal(signal.SIGINT)
            assert running.wait() == 130
        assert job_of(job.pk).cancel_requested
        worker.process.kill()  # it would grant the step ten minutes


# --- show and audit -------------------------------------------------------------------------------


@pytest.mark.both
def test_show_as_json_has_job_steps_and_journal(database):
    manage("launch", "fails")
    job = Job.objects.get()
    code, out, _ = manage_here("show", str(job.pk), "--json")
    shown = json.loads(out)
    assert code == 0
    assert shown["job"] == {
        "id": job.pk,
        "definition": "fails",
        "status": "failed",
        "seq": job.seq,
        "priority": 0,
        "deadline": None,
        "code_version": job.code_version or None,
        "key": None,
        "awaits_key": False,
        "params": {},
        "typed": {},
        "error": "bad: ValueError: <b>no</b> such luck",
    }
    assert [list(step) for step in shown["steps"]] == [
        [
            "id",
            "name",
            "status",
            "seq",
            "queue",
            "attempt",
            "result",
            "error",
            "log_lines",
            "log_warnings",
            "log_errors",
            "exit_code",
            "peak_memory",
            "peak_is_shared",
            "cpu_seconds",
            "code_version",
            "run_times",
        ]
    ] * 4
    bad, skipped = shown["steps"][1:3]
    assert (bad["status"], bad["attempt"], bad["error"]) == (
        "failed",
        1,
        "ValueError: <b>no</b> such luck",
    )
    assert (skipped["status"], skipped["attempt"], skipped["error"]) == ("skipped", 0, None)
    assert shown["journal"] == [
        entry_as_json(entry) for entry in Transition.objects.order_by("seq")
    ]


def test_show_in_words(claimant):
    job = drive(claimant, launch("noop"))
    code, out, _ = manage_here("show", str(job.pk))
    assert code == 0
    head, first, *_ = out.splitlines()
    assert head.startswith(f"✔ succeeded noop #{job.pk} ")
    assert first.split()[:4] == ["├──", "✔", "succeeded", "one"]


def test_show_prints_the_log_of_a_step(claimant):
    job = launch("noop")
    [held] = claim(claimant, room=1)
    write_log(held, ["10%\r20%", "\x1b[31mred\x1b[0m ✔"])
    show = ("show", str(job.pk))
    assert manage(*show, "--log", "one") == (0, "20%\nred ✔\n", "")
    said = "10%\n20%\n\x1b[31mred\x1b[0m ✔\n"  # ``manage`` makes a newline of a carriage return
    assert manage(*show, "--log", "one", "--raw") == (0, said, "")
    assert manage(*show, "--log", "two") == (0, "", "")
    code, out, err = manage(*show, "--log", "nothing")
    assert (code, out) == (2, "")
    assert "has no step named 'nothing'" in err
    assert manage(*show, "--raw") == (2, "", "CommandError: --raw needs --log STEP.\n")
    code, out, err = manage(*show, "--log", "one", "--json")
    assert (code, out) == (2, "")
    assert "--json: not allowed with argument --log" in err


def test_show_of_no_job_is_exit_code_2(database):
    assert manage_here("show", "999") == (2, "", "CommandError: There is no job 999.\n")
    code, _, err = manage_here("show", str(10**20))
    assert (code, err) == (2, f"CommandError: There is no job {10**20}.\n")


@pytest.mark.both
def test_audit_of_a_clean_history_is_exit_code_0(claimant):
    drive(claimant, launch("noop"))
    code, out, _ = manage_here("audit")
    assert (code, out) == (0, f"clean: 1 jobs, {Transition.objects.count()} entries\n")


@pytest.mark.both
def test_audit_of_a_difference_is_exit_code_1(transactional_db):
    job = launch("noop")
    Job.objects.update(cancel_requested=True)  # a lie that no trigger forbids
    code, out, _ = manage_here("audit")
    assert code == 1
    assert out.splitlines() == [
        f"job {job.pk}: the journal and the row differ on whether cancel was requested"
    ]


def test_audit_of_some_jobs_reads_only_these(transactional_db):
    wrong, right = launch("noop"), launch("noop")
    Job.objects.filter(pk=wrong.pk).update(cancel_requested=True)
    code, out, _ = manage_here("audit", str(right.pk))
    assert (code, out) == (0, "clean: 1 jobs, 1 entries\n")
    code, out, _ = manage_here("audit", str(wrong.pk), str(right.pk))
    assert (code, f"job {wrong.pk}: " in out) == (1, True)


@pytest.mark.parametrize("number", ["12", "99999999999999999999999"])
def test_audit_of_no_job_is_exit_code_2(database, number):
    code, out, err = manage_here("audit", str(launch("noop").pk), number)
    assert (code, out, number in err) == (2, "", True)


@pytest.mark.parametrize("command", [["audit"], ["show", "1"]])
def test_what_cannot_be_read_is_exit_code_2_and_what_to_do(tmp_path, command):
    code, _, err = manage(*command, env={"TRUESTEP_TEST_DIR": str(tmp_path)})
    assert code == 2
    assert err.startswith("CommandError: The database ")
    assert "lacks its tables" in err and "python manage.py migrate" in err


# --- worker and serve -----------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_ends_on_request(worker, number):
    worker.process.send_signal(number)
    assert worker.wait() == 0
    assert worker.errors == []


def test_a_worker_needs_a_slot(database):
    code, _, err = manage_here("worker", "--slots", "0")
    assert (code, err) == (1, "CommandError: --slots 0: pass 1 or more.\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_ends_with_all_its_children(serving, number):
    with serving() as site:
        children = psutil.Process(site.process.pid).children(recursive=True)
        assert len(children) >= 2
        site.process.send_signal(number)
        assert site.wait() == 0
        wait_until_gone(children)


@pytest.mark.parametrize("server", WEB_SERVERS)
def test_serve_ends_soon_although_a_request_is_never_answered(serving, tmp_path, server):
    held = tmp_path / "held"
    settings = "tests.faults.hanging_request_settings"
    env = {"DJANGO_SETTINGS_MODULE": settings, "TEST_HELD": str(held)}
    with serving("--no-worker", "--server", server, env=env) as site:
        request = http.client.HTTPConnection(site.url.removeprefix("http://"))
        request.request("GET", "/held/")
        wait_for(held.exists)
        site.process.terminate()
        assert site.wait(8) == 0
        request.close()


def test_serve_restarts_a_child_that_died(serving):
    with serving() as site:
        _, worker = psutil.Process(site.process.pid).children()
        worker.kill()
        wait_for(lambda: Worker.objects.filter(pid__in=children_of(site)).exclude(pid=worker.pid))
        assert any("The worker ended with code -9; it starts again" in line for line in site.errors)


def children_of(running):
    return [child.pid for child in psutil.Process(running.process.pid).children()]


def test_a_port_that_is_taken_is_named(web):
    port = str(urlsplit(web.url).port)
    code, out, err = manage("serve", "--port", port)
    assert (code, out) == (1, "")
    assert f"Cannot listen on 127.0.0.1:{port}: Address already in use" in err


def test_a_reader_that_goes_away_does_not_stop_the_job(database):
    command = f"{sys.executable} manage.py launch paced | head -n 1"
    subprocess.run(["sh", "-c", command], cwd=ROOT, timeout=30, capture_output=True, check=True)
    job = Job.objects.get()
    wait_for(lambda: job_of(job.pk).is_finished)
    assert job_of(job.pk).status == "succeeded"


def test_serve_starts_wherever_it_is_called(database, tmp_path):
    command = [sys.executable, str(ROOT / "manage.py"), "serve", "--port", "0"]
    serving = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    try:
        assert any(line.startswith("Ready: ") for line in serving.stdout)
    finally:
        serving.terminate()
        serving.wait(20)
        serving.stdout.close()
