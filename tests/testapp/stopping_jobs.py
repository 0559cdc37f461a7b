"""Definitions that are asked to stop: some listen, some do not."""

import signal
import subprocess
import time

from jobs.definitions import JobDefinition, step
from tests.testapp.misbehaving_jobs import daemonise


class Stubborn(JobDefinition):
    """Notices that it is asked to stop, and continues."""

    @step
    def resist(self, run):
        signal.signal(signal.SIGTERM, lambda *_: print("asked to stop"))
        run.log("resisting")
        while True:
            time.sleep(1)


class Watches(JobDefinition):
    """Looks itself whether it is cancelled, and ends in its own time."""

    @step
    def watch(self, run):
        run.log("watching")
        while not run.cancelled:
            time.sleep(0.01)
        print("tidied up")


class GivesUp(Watches):
    """Raises an error of its own once it is cancelled."""

    @step
    def watch(self, run):
        super().watch(run)
        raise ValueError("half of it is done")


class Stuck(JobDefinition):
    """Times out and does not care."""

    @step(timeout=0.3)
    def resist(self, run):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)


class Catches(JobDefinition):
    """Catches every exception there is; it is interrupted all the same."""

    @step
    def catch(self, run):
        run.log("catching")
        while True:
            try:
                time.sleep(1)
            except Exception:
                run.log("caught")


class IgnoresItsTime(JobDefinition):
    """Its time is soon up, and it does not care."""

    @step(timeout=0.3)
    def resist(self, run):
        signal.signal(signal.SIGTERM, lambda *_: print("asked to stop"))
        run.log("resisting")
        while True:
            time.sleep(1)


class Broods(JobDefinition):
    """It takes its time to be made, before its step begins."""

    def __init__(self):
        time.sleep(0.5)

    @step
    def work(self, run):
        run.log("working")
        time.sleep(600)


class Forks(JobDefinition):
    """Children that ignore TERM, one of them a daemon, and the step itself ignores it too."""

    @step
    def fork(self, run):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        daemonise()
        subprocess.run(["sh", "-c", "trap '' TERM; sleep 600 & sleep 600"])
