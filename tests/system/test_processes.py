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
    """Two children: one of another user, as if started by sudo, and one of the same user."""
    theirs, ours = subprocess.Popen(["sleep", "600"]), subprocess.Popen(["sleep", "600"])
    send_signal = psutil.Process._send_signal

    def refuse(process, number):
        if process.pid == theirs.pid:
            raise psutil.AccessDenied(process.pid)
        send_signal(process, number)

    monkeypatch.setattr(psutil.Process, "_send_signal", refuse)
    monkeypatch.setattr(processes, "_itself", lambda pid: [])  # that is this process
    try:
        yield theirs, ours
    finally:
        for child in (theirs, ours):
            child.kill()
            child.wait()


def test_a_program_of_another_user_is_left_and_the_others_are_ended(foreign):
    theirs, ours = foreign
    assert processes.kill_descendants(os.getpid()) == 1
    processes.kill_children(os.getpid(), keep=())
    assert ours.wait(10) < 0
    assert theirs.poll() is None


def test_a_program_of_another_user_does_not_keep_others_from_being_asked(foreign):
    theirs, ours = foreign
    processes.terminate_tree(os.getpid())
    assert ours.wait(10) < 0
    assert theirs.poll() is None


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_process_dies_with_its_parent_however_early_that_dies(moment):
    command = [sys.executable, "-c", ORPHAN, moment]
    ended = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=30)
    assert ended.stdout == b""  # read to its end: neither the parent nor its child holds the pipe
