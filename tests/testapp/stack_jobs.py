"""Steps that hang, each in another way, until a file is there or they are killed."""

import ctypes
import re
import signal
import threading
import time

from django import forms

from jobs.definitions import JobDefinition, step


def leaf(number):
    return number


def sleeps():
    time.sleep(600)  # here it hangs: sleeps


def spins():
    number = 0
    while True:
        number += 1  # here it hangs: spins


def calls():
    while True:
        leaf(1)  # here it hangs: calls


def holds_the_gil():
    ctypes.PyDLL(None).sleep(600)  # here it hangs: holds_the_gil


def matches():
    re.match(r"(a+)+$", "a" * 64 + "b")  # here it hangs: matches


def blocks_signals():
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    time.sleep(600)  # here it hangs: blocks_signals


def waits_for_a_thread():
    thread = threading.Thread(target=sleeps, daemon=True)
    thread.start()
    thread.join()  # here it hangs: waits_for_a_thread


HANGS = {
    each.__name__: each
    for each in (
        *(sleeps, spins, calls, holds_the_gil, matches, blocks_signals),
        waits_for_a_thread,
    )
}


class HangsSomewhere(JobDefinition):
    """Hangs in the way that is chosen."""

    class Params(forms.Form):
        way = forms.ChoiceField(choices=[(name, name) for name in HANGS])

    @step
    def hang(self, run):
        run.log("begins to hang")
        HANGS[run.params["way"]]()


class SleepsInC(JobDefinition):
    """A C call that a signal would end too early: it returns the seconds that are left."""

    @step
    def sleep(self, run):
        run.log("begins to sleep")
        return ctypes.CDLL(None).sleep(4)
