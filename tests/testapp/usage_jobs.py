"""Steps that use memory and processor time, and steps that end with their process."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

from django import forms

from jobs.definitions import JobDefinition, step

MIB = 2**20


def hold(size):
    """Hold so much memory for a moment; returned to the system afterwards."""
    return len(bytearray(b"x") * size)


def spin(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


class UsesMemory(JobDefinition):
    """One process, whose first step holds much more than the next ones."""

    @step
    def large(self, run):
        hold(300 * MIB)

    @step
    def small(self, run):
        return os.getpid()

    @step
    def by_a_child(self, run):
        code = "x = bytearray(b'x') * (200 * 2**20)"
        subprocess.run([sys.executable, "-c", code], check=True)

    @step
    def small_by_a_child(self, run):
        subprocess.run([sys.executable, "-c", ""], check=True)


class UsesProcessor(JobDefinition):
    """In its own process, in one that it waits for, and not at all."""

    @step
    def spin(self, run):
        spin(0.5)

    @step
    def by_a_child(self, run):
        code = "import time\nwhile time.process_time() < 0.5: pass"
        subprocess.run([sys.executable, "-c", code], check=True)

    @step
    def nothing(self, run):
        pass


class DiesLater(JobDefinition):
    """In its second step, after a first one that used more."""

    @step
    def works(self, run):
        spin(0.5)
        hold(300 * MIB)

    @step
    def dies(self, run):
        os.kill(os.getpid(), signal.SIGSEGV)


class StaysTooLong(JobDefinition):
    """Has to be killed after its time-out."""

    @step(timeout=0.2)
    def stays(self, run):
        while True:
            with suppress(BaseException):
                time.sleep(60)


class Hoarder(JobDefinition):
    """Asks for memory until it is refused, or for more than there is at all."""

    class Params(forms.Form):
        at_once = forms.IntegerField(required=False)

    @step
    def hoard(self, run):
        held = []
        while True:
            held.append(bytearray(b"x") * (run.params["at_once"] or 10 * MIB))
