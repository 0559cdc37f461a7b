"""Where a running step is: asked for on page or command line, read without disturbing it."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from jobs.exceptions import StepNotRunning, UnknownStep
from jobs.models import Attempt, StackRequest, Transition
from jobs.orchestrator import ask_for_stack, cancel, claim, launch
from jobs.sight.stacks import read_stack
from jobs.system import frames, stacks
from tests.support import ROOT, Program, drive, finished, running, step_of, wait_for
from tests.testapp import stack_jobs
from tests.testapp.stack_jobs import HANGS

pytestmark = pytest.mark.either

SOURCE = stack_jobs.__file__


def line_of(way):
    """Where that way to hang hangs."""
    with open(SOURCE) as file:
        lines = file.read().splitlines()
    [number] = [n for n, line in enumerate(lines, 1) if line.endswith(f"# here it hangs: {way}")]
    return number


def hanging(way, name="hang"):
    job = launch("hangs_somewhere", {"way": way})
    running(job, name)
    return job


def answered(job, name):
    """The answer to a question that is asked now."""
    ask_for_stack(job.pk, name)
    return wait_for(lambda: (stack := read_stack(job.pk, name)).answered_at and stack)


def stack_at(job, way):
    """Its stack once it hangs: it has logged a moment before."""
    StackRequest.objects.all().delete()
    stack = answered(job, "hang")
    return stack if any(call.line == line_of(way) for call in stack.threads[0]) else None


@pytest.mark.parametrize("way", HANGS)
def test_the_line_at_which_a_step_hangs_is_found_however_it_hangs(worker, way):
    job = hanging(way)
    stack = wait_for(lambda: stack_at(job, way))
    place = [call for call in stack.threads[0] if call.file == SOURCE and call.function == way]
    assert [call.line for call in place] == [line_of(way)]
    assert place[0].source.endswith(f"# here it hangs: {way}")
    assert stack.attempt == 1
    # Nothing of what has called the step, and nothing has happened to it.
    assert stack.threads[0][-1].function == "HangsSomewhere.hang"
    assert step_of(job, "hang").status == "running"
    if way == "waits_for_a_thread":
        [other] = stack.threads[1:]
        assert line_of("sleeps") in [call.line for call in other]
        assert "Thread 2:" in stack.text
    cancel(job.pk)
    assert finished(job).status == "cancelled"


def test_a_call_that_a_signal_would_interrupt_is_not_disturbed(worker):
    job = launch("sleeps_in_c")
    running(job, "sleep")
    for _ in range(3):
        StackRequest.objects.all().delete()
        assert answered(job, "sleep").top.function == "SleepsInC.sleep"
    assert finished(job).status == "succeeded"
    attempt = Attempt.objects.get(step__job=job)
    assert attempt.result == 0  # no second was left when it returned
    assert (attempt.ended_at - attempt.started_at) >= timedelta(seconds=4)


def test_a_worker_of_another_host_answers_through_the_database(database):
    env = {"DJANGO_SETTINGS_MODULE": "tests.faults.other_host_settings"}
    worker = Program("worker", "--slots", "1", env=env)
    try:
        stack = answered(hanging("sleeps"), "hang")
    finally:
        worker.end()
    assert stack.top.line == line_of("sleeps")


def test_it_is_no_part_of_the_history_and_asked_at_most_every_two_seconds(worker):
    job = hanging("sleeps")
    before = list(Transition.objects.filter(job=job).values_list())
    assert ask_for_stack(job.pk, "hang")
    assert not ask_for_stack(job.pk, "hang")
    first = wait_for(lambda: StackRequest.objects.get().answered_at)
    assert not ask_for_stack(job.pk, "hang")  # also after the answer, which stays
    assert StackRequest.objects.get().answered_at == first
    for moment in (-timedelta(seconds=2), timedelta(hours=1)):  # another host's clock is ahead
        StackRequest.objects.update(asked_at=timezone.now() + moment)
        assert ask_for_stack(job.pk, "hang")
    wait_for(lambda: StackRequest.objects.get().answered_at)
    assert list(Transition.objects.filter(job=job).values_list()) == before


def test_only_a_running_step_has_a_stack(claimant):
    job = launch("noop")
    with pytest.raises(StepNotRunning, match="pending: only a running step"):
        ask_for_stack(job.pk, "one")
    with pytest.raises(UnknownStep):
        ask_for_stack(job.pk, "none")
    with pytest.raises(CommandError, match="only a running step"):
        call_command("show", job.pk, stack="one")
    with pytest.raises(CommandError, match="no step named 'none'"):
        call_command("show", job.pk, stack="none")
    drive(claimant, job)
    assert not StackRequest.objects.exists()


def test_show_prints_it(worker, capsys):
    job = hanging("sleeps")
    wait_for(lambda: stack_at(job, "sleeps"))
    StackRequest.objects.all().delete()
    call_command("show", job.pk, stack="hang")
    said = capsys.readouterr().out.splitlines()
    assert said[:3] == [
        "Innermost call first:",
        f"  {SOURCE}, line {line_of('sleeps')}, in sleeps",
        "    time.sleep(600)  # here it hangs: sleeps",
    ]


# --- on the page ----------------------------------------------------------------------------------


def test_the_page_asks_and_shows_for_those_who_may(worker, login):
    job = hanging("sleeps")
    client = login("view_job", "view_stack")
    page = client.get(f"/jobs/{job.pk}/").text
    assert f'id="stack-{job.pk}"' in page
    address = f"/jobs/{job.pk}/steps/hang/stack"
    assert "Nobody has asked" in client.get(address).text
    wait_for(lambda: stack_at(job, "sleeps"))
    response = client.post(address, follow=True)
    assert response.redirect_chain == [(address, 302)]
    assert f"line {line_of('sleeps')}, in sleeps" in response.text
    assert "time.sleep(600)" in response.text
    cancel(job.pk)
    finished(job)
    StackRequest.objects.all().delete()
    assert "it has no stack" in client.post(address, follow=True).text
    assert client.get(f"/jobs/{job.pk}/steps/none/stack").status_code == 404
    assert client.get(f"/jobs/{job.pk}/steps/ha%00ng/stack").status_code == 404


def test_an_unanswered_question_says_so(claimant, ada):
    job = launch("noop")
    claim(claimant, room=1)
    shown = ada.post(f"/jobs/{job.pk}/steps/one/stack", follow=True).text
    assert "data-awaited" in shown
    assert "has not answered yet" in shown


# --- the reader -----------------------------------------------------------------------------------


def test_a_process_that_has_ended_or_may_not_be_read_is_said(monkeypatch):
    process = subprocess.Popen(["true"])
    process.wait()
    with pytest.raises(stacks.CannotRead, match="has ended"):
        stacks.stacks_of(process.pid, stacks.thread_state())
    monkeypatch.setattr(os, "open", lambda *_: (_ for _ in ()).throw(PermissionError()))
    with pytest.raises(stacks.CannotRead, match="does not let a process read"):
        stacks.stacks_of(process.pid, stacks.thread_state())


def test_memory_that_makes_no_sense_is_no_stack():
    process = subprocess.Popen(["sleep", "60"])
    try:
        with pytest.raises(stacks.CannotRead, match="changing all the time"):
            stacks.stacks_of(process.pid, stacks.thread_state())
    finally:
        process.kill()
        process.wait()


def test_an_interpreter_that_is_not_understood_is_not_read(monkeypatch):
    monkeypatch.setattr(frames, "line_at", lambda *_: 7)
    with pytest.raises(stacks.CannotRead, match=r"Python 3\.\d+\.\d+ keeps its stack is not known"):
        stacks.layout.__wrapped__()


CHECK = """
import os, sys, time
from importlib import util
sys.path.insert(0, {system!r})
spec = util.spec_from_file_location("system", {system!r} + "/__init__.py",
                                    submodule_search_locations=[{system!r}])
sys.modules["system"] = util.module_from_spec(spec)
from system import stacks

def hangs():
    os.write(out, b"x")
    time.sleep(60)

state = stacks.thread_state()
read, out = os.pipe()
if not (pid := os.fork()):
    hangs()
os.read(read, 1)
for _ in range(1000):
    [calls] = stacks.stacks_of(pid, state)
    if calls[0].line == 12:
        break
    time.sleep(0.01)
os.kill(pid, 9)
assert [call.function for call in calls] == ["hangs", "<module>"], calls
assert [call.line for call in calls] == [12, 17], calls
"""


def pythons():
    """Every interpreter of this host that Truestep runs on."""
    found = [sys.executable]
    for version in ("3.11", "3.12", "3.13"):
        found += map(str, sorted((ROOT.home() / ".pyenv/versions").glob(f"{version}*/bin/python")))
    return found


@pytest.mark.parametrize("python", pythons())
def test_each_release_of_python_is_read(python):
    code = CHECK.format(system=str(ROOT / "jobs/system"))
    answer = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
