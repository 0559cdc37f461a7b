"""What is done about processes that may not be signalled, and about those whose parent dies."""

import os
import subprocess
import sys

import psutil
import pytest

from jobs.system import processes

ORPHAN = """
import os, signal, sys, time
from jobs.system import processes
parent, (hears, tells) = os.getpid(), os.pipe()
if os.fork():
    os.close(tells)
    os.read(hears, 1)  # until the child says something
    os._exit(0)
signal.signal(signal.SIGTERM, lambda *_: None)
if sys.argv[1] == "before":
    os.write(tells, b".")
    while os.getppid() == parent:
        time.sleep(0.001)
processes.die_with_parent(parent, signal.SIGTERM)
os.write(tells, b".")
time.sleep(600)
"""


@pytest.fixture
def foreign(monkeypatch):
    """A child that runs as if somebody had started it by sudo, with one of the usual kind."""
    theirs, ours = subprocess.Popen(["sleep", "600"]), subprocess.Popen(["sleep", "600"])
    send_signal = psutil.Process._send_signal

    def refuse(process, number):
        if process.pid == theirs.pid:
            raise psutil.AccessDenied(process.pid)
        send_signal(process, number)

    monkeypatch.setattr(psutil.Process, "_send_signal", refuse)
    monkeypatch.setattr(processes, "_itself", lambda pid: [])  # that is this process
    try:
        yield
        assert ours.wait(10) < 0
        assert theirs.poll() is None
    finally:
        for child in (theirs, ours):
            child.kill()
            child.wait()


def test_a_program_of_another_user_is_left_and_the_others_are_ended(foreign):
    assert processes.kill_descendants(os.getpid()) == 1
    processes.kill_children(os.getpid(), keep=())


def test_a_program_of_another_user_does_not_keep_others_from_being_asked(foreign):
    processes.terminate_tree(os.getpid())


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_process_dies_with_its_parent_however_early_that_dies(moment):
    command = [sys.executable, "-c", ORPHAN, moment]
    # It ends when nobody has the pipe open any more: neither the parent nor its child.
    subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=30)
