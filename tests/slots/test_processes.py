"""What a worker does about processes that it may not signal."""

import os
import subprocess

import psutil
import pytest

from jobs.slots import processes


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
    processes.kill_children(os.getpid(), spare=())


def test_a_program_of_another_user_does_not_keep_others_from_being_asked(foreign):
    processes.terminate_tree(os.getpid())
