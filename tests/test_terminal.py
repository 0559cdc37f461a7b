"""The live tree, as a person sees it: a real process on a real pseudo-terminal, read by pyte."""

from __future__ import annotations

import psutil
import pytest

from jobs.models import Attempt, Job, Step
from jobs.orchestrator import cancel, claim, finish, launch, order_worker
from jobs.statuses import Verdict, Wanted
from tests.support import drive, ended, job_of, returned, step_of, wait_for, wait_until_gone
from tests.support.terminal import Terminal

pytestmark = [pytest.mark.slow, pytest.mark.either]


@pytest.fixture
def terminal(database):
    """``terminal(*arguments)``: a command in a terminal."""
    opened = []

    def open_one(*arguments: str, **options) -> Terminal:
        opened.append(Terminal(*arguments, **options))
        return opened[-1]

    yield open_one
    for one in opened:
        one.end()


def test_a_job_is_a_live_tree_that_stays_when_it_ends(terminal, tmp_path):
    gate = tmp_path / "gate"
    shown = terminal("launch", "waits", "--gate", str(gate))
    lines = shown.shows("▶ running waits #", "▶ running", "· pending")
    assert any("waits for" in line for line in lines), lines
    assert shown.cursor_is_hidden
    gate.touch()
    assert shown.wait() == 0
    assert not shown.cursor_is_hidden
    lines = shown.lines
    assert lines[0].startswith("✔ succeeded waits #")
    assert sum("✔ succeeded" in line for line in lines) == 1 + Job.objects.get().steps.count()
    assert not any("running" in line for line in lines)


def test_progress_and_the_newest_log_lines_are_under_a_running_step(terminal, tmp_path):
    counts = terminal("launch", "counts")
    counts.shows("3 / 8", "━━━")
    gate = tmp_path / "gate"
    drips = terminal("launch", "drips", "--gate", str(gate))
    lines = drips.shows("drop 2500")
    assert [line.split("drop ")[1] for line in lines if "drop" in line] == [
        "2496",
        "2497",
        "2498",
        "2499",
        "2500",
    ]


def test_a_failure_is_printed_with_its_traceback(terminal):
    shown = terminal("launch", "fails", rows=50)
    assert shown.wait() == 1
    lines = shown.shows("✘ failed fails #", "ValueError: <b>no</b> such luck", "Traceback")
    assert any("↷ skipped" in line for line in lines)


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (40, 10), (200, 60)])
def test_a_thousand_steps_stay_inside_the_terminal(terminal, claimant, columns, rows):
    job = launch("thousand_wide")
    for held in claim(claimant, room=30)[:3]:
        finish(claimant, held, ended(Verdict.FAILED), room=0)
    shown = terminal("launch", "--follow", str(job.pk), columns=columns, rows=rows)
    lines = shown.shows("▶ running thousand_wide", "▶ running s003", "more")
    assert len(lines) <= rows
    if rows >= 60:
        assert any("✘ failed" in line for line in lines)
        assert any("27 running" in line for line in lines)


def test_the_picture_follows_the_size_of_the_terminal(terminal):
    shown = terminal("launch", "hangs", columns=120, rows=30)
    shown.shows("▶ running hangs #")
    for columns, rows in ((50, 8), (140, 40)):
        shown.resize(columns, rows)
        lines = shown.shows("▶ running hangs #", "▶ running hang")
        assert len(lines) <= rows
    cancel(Job.objects.get().pk)
    assert shown.wait() == 3


def test_ctrl_c_cancels_what_was_launched(terminal):
    shown = terminal("launch", "hangs")
    shown.shows("▶ running hang")
    shown.press("\x03")
    shown.shows("Cancelling; Ctrl-C again kills the steps.")
    assert shown.wait() == 3
    shown.shows("■ cancelled hangs #")
    assert not shown.cursor_is_hidden


def test_ctrl_c_stops_following_and_the_job_goes_on(terminal, claimant):
    job = launch("noop")
    [held] = claim(claimant, room=1)
    shown = terminal("launch", "--follow", str(job.pk))
    shown.shows("▶ running one")
    shown.press("\x03")
    assert shown.wait() == 130
    shown.shows(f"job {job.pk} (noop) continues. To stop it, cancel it on its page.")
    assert not shown.cursor_is_hidden
    assert step_of(job, "one").status == "running"
    finish(claimant, held, returned(), room=0)


def test_an_interrupted_command_restores_the_cursor(terminal):
    shown = terminal("launch", "hangs")
    shown.shows("▶ running hang")
    shown.process.terminate()
    assert shown.wait() == 3
    assert not shown.cursor_is_hidden


@pytest.mark.parametrize("env", [{"TERM": "dumb"}, {"NO_COLOR": "1"}])
def test_a_terminal_that_wants_no_colour_gets_none(terminal, env):
    shown = terminal("launch", "noop", **env)
    assert shown.wait() == 0
    assert b"\x1b[3" not in shown.raw
    assert b"\x1b[9" not in shown.raw
    shown.shows("✔")


def test_what_a_step_says_is_neither_markup_nor_control(terminal):
    texts = ["[red]x[/red] :smile:", "\x1b[2J\x1b]0;owned\x07", "日本語の行", "a\tb"]
    options = [item for text in texts for item in ("--texts", text)]
    shown = terminal("launch", "echoes", *options, "--raw", "1b5b324a", rows=60)
    assert shown.wait() == 1
    assert b"owned\x07" not in shown.raw
    assert b"\x1b[2J" not in shown.raw
    shown.shows("[red]x[/red] :smile:", "␛[2J␛]0;owned␇", "日本語の行")


# --- following ------------------------------------------------------------------------------------


def test_following_a_job_that_has_ended_shows_it_and_ends(terminal, claimant):
    job = drive(claimant, launch("diamond"))
    shown = terminal("launch", "--follow", str(job.pk))
    assert shown.wait() == 0
    shown.shows("✔ succeeded diamond #", "✔ succeeded bottom")


def test_without_a_worker_the_tree_says_what_to_do(terminal):
    job = launch("noop")
    shown = terminal("launch", "--follow", str(job.pk))
    shown.shows("no worker is running: start one with python manage.py worker")
    assert job_of(job.pk).status == "pending"


def test_with_drained_workers_alone_the_tree_says_so(terminal, claimant):
    order_worker(claimant.worker.pk, Wanted.DRAIN)
    shown = terminal("launch", "--follow", str(launch("noop").pk))
    shown.shows("every worker is drained: resume one, or start another")


# --- a terminal that is closed --------------------------------------------------------------------


def running_job(name: str) -> Job:
    """The only job, once its step of this name runs and has written to its log."""
    wait_for(lambda: Step.objects.filter(name=name, status="running", log_lines__gt=0).exists())
    return Job.objects.get()


@pytest.mark.parametrize(
    "shell",
    [
        'exec "$@"',  # it is alone in the terminal
        '"$@"; true',  # … or a child of the shell, which gets the signal, too
        'exec "$@" | cat',  # the reader of its output ends at the same moment
    ],
)
def test_closing_the_terminal_cancels_a_job_without_other_workers(terminal, tmp_path, shell):
    errors = tmp_path / "errors"
    shown = terminal("launch", "hangs", shell=f"exec 2>{errors}; {shell}")
    job = running_job("hang")
    children = psutil.Process(shown.process.pid).children(recursive=True)
    shown.close()
    wait_for(lambda: job_of(job.pk).is_finished)
    shown.process.wait(30)
    wait_until_gone(children)
    assert job_of(job.pk).status == "cancelled"
    assert job.journal.filter(kind="request").count() == 1
    assert "Traceback" not in (reported := errors.read_text()) and "Exception" not in reported


def test_a_shell_that_is_killed_closes_its_terminal(terminal):
    shown = terminal("launch", "hangs", shell='"$@"; true')
    job = running_job("hang")
    children = psutil.Process(shown.process.pid).children(recursive=True)
    shown.process.kill()
    wait_until_gone(children)
    assert job_of(job.pk).status == "cancelled"


def test_under_nohup_the_job_goes_on_although_nothing_can_be_written(terminal, tmp_path):
    gate, errors = tmp_path / "gate", tmp_path / "errors"
    script = f'trap "" HUP; exec "$@" 2>{errors}'
    shown = terminal("launch", "waits", "--gate", str(gate), shell=script)
    job = running_job("waiting")
    shown.close()
    gate.touch()
    assert shown.process.wait(30) == 0
    assert job_of(job.pk).status == "succeeded"
    assert errors.read_text() == ""


@pytest.mark.parametrize("how", ["launch", "follow"])
def test_beside_a_worker_the_job_goes_on_without_the_command(terminal, worker, tmp_path, how):
    gate = tmp_path / "gate"
    if how == "launch":
        shown = terminal("launch", "waits", "--gate", str(gate))
    else:
        shown = terminal("launch", "--follow", str(launch("waits", {"gate": gate}).pk))
    job = running_job("waiting")
    shown.shows("▶ running waiting")
    shown.close()
    assert shown.process.wait(30) == 129
    assert job_of(job.pk).status == "running"
    gate.touch()
    wait_for(lambda: job_of(job.pk).status == "succeeded")


@pytest.mark.parametrize("command", [["worker"], ["serve", "--port", "0"]])
def test_closing_the_terminal_ends_a_worker_as_sigterm_does(terminal, command):
    shown = terminal(*command)
    job = launch("hangs")
    running_job("hang")
    children = psutil.Process(shown.process.pid).children(recursive=True)
    shown.close()
    assert shown.process.wait(30) == 0
    wait_until_gone(children)
    assert step_of(job, "hang").status == "pending"
    assert Attempt.objects.get().verdict == "handed back"
    cancel(job.pk)
