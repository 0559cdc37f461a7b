"""A program that follows another one, over its standard input."""

import os
import subprocess
import sys
from contextlib import contextmanager

from jobs.system.leash import Leash
from tests.support import ROOT

PROGRAM = """
import sys, time
from jobs.system import leash
leash.follow(lambda: print("awake", flush=True), lambda times: print("stop", times, flush=True))
print("read", repr(sys.stdin.read()), flush=True)
while True:
    time.sleep(600)
"""


@contextmanager
def led():
    """A leash, and a function that reads a line of what the program at its end prints."""
    readable, writable = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, stdin=readable, stdout=subprocess.PIPE, text=True
    )
    os.close(readable)
    leash = Leash(writable)
    try:
        yield leash, lambda: process.stdout.readline().strip()
    finally:
        leash.close()
        process.kill()
        process.wait()
        process.stdout.close()


def test_it_is_woken_and_asked_to_stop_as_often_as_its_leader_asks():
    with led() as (leash, heard):
        assert heard() == "read ''"  # what is written is not for those who read standard input
        leash.wake()
        assert heard() == "awake"
        leash.stop()
        assert heard() == "stop 1"
        leash.stop()
        assert heard() == "stop 2"


def test_it_is_asked_to_stop_when_its_leader_is_gone():
    with led() as (leash, heard):
        assert heard() == "read ''"
        leash.close()
        assert heard() == "stop 1"


def test_a_program_that_does_not_read_never_blocks_its_leader():
    readable, writable = os.pipe()
    leash = Leash(writable)
    for _ in range(2**16 + 10):
        leash.wake()
    os.close(readable)
    leash.stop()  # nobody is there
    leash.close()
    leash.close()


def test_its_end_is_heard_once_after_a_request_to_stop():
    with led() as (leash, heard):
        assert heard() == "read ''"
        leash.stop()
        leash.close()
        assert {heard(), heard()} <= {"stop 1"}
