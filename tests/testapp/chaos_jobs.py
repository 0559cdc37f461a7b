"""What the chaos program runs. Each attempt leaves marks in a file of its own, so that anybody can
see afterwards when it ran."""

import os
import signal
import subprocess
import time
from pathlib import Path

import psutil
from django import forms

from jobs.definitions import JobDefinition, step

MARK_SECONDS = 0.02  # between two marks of an attempt that works


class Marked(forms.Form):
    marks = forms.CharField(help_text="The directory of the files")


def work(run, seconds, chatter=0):
    """Be busy, mark that, and say *chatter* lines meanwhile."""
    path = Path(run.params["marks"]) / f"{run.idempotency_key}.{run.attempt}".replace(":", ".")
    try:
        marks = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND)
    except FileExistsError:
        Path(f"{path}.twice").touch()
        raise
    rounds = max(1, round(seconds / MARK_SECONDS))
    try:
        _mark(marks, "begin")
        for number in run.track(range(rounds), "working"):
            time.sleep(MARK_SECONDS)
            for line in range(number, chatter, rounds):
                print(f"attempt {run.attempt} says {line}")
            _mark(marks, "works")
        _mark(marks, "end")
    finally:
        os.close(marks)


def _mark(marks, what):
    os.write(marks, f"{what} {time.clock_gettime(time.CLOCK_BOOTTIME)}\n".encode())


def worker_steps(count, seconds, chatter=0):
    """Steps in a chain, each of which may lose as many workers as it likes."""

    def body(self, run):
        work(run, seconds, chatter)
        return run.attempt

    return {f"s{n:02}": step(retries=99, retry_delay=0.02)(body) for n in range(count)}


ChaosChain = type("ChaosChain", (JobDefinition,), {"Params": Marked} | worker_steps(5, 0.1))
ChaosLong = type("ChaosLong", (JobDefinition,), {"Params": Marked} | worker_steps(15, 0.4))
ChaosChatty = type("ChaosChatty", (JobDefinition,), {"Params": Marked} | worker_steps(2, 0.4, 3000))


class ChaosDiamond(JobDefinition):
    """Three steps side by side between two others."""

    Params = Marked

    @step(retries=99, retry_delay=0)
    def top(self, run):
        work(run, 0.1)

    @step(needs=["top"], retries=99, retry_delay=0)
    def left(self, run):
        work(run, 0.3)

    @step(needs=["top"], retries=99, retry_delay=0)
    def middle(self, run):
        work(run, 0.2)

    @step(needs=["top"], retries=99, retry_delay=0)
    def right(self, run):
        work(run, 0.1)

    @step(needs=["left", "middle", "right"], retries=99, retry_delay=0)
    def bottom(self, run):
        work(run, 0.1)
        return sorted(run.results)


class ChaosFlaky(JobDefinition):
    """Raises in its first two attempts."""

    Params = Marked

    @step(retries=99, retry_delay=0.05)
    def flaky(self, run):
        work(run, 0.1)
        if run.attempt < 3:
            raise ConnectionError(f"attempt {run.attempt}")

    @step(retries=99, retry_delay=0)
    def after(self, run):
        work(run, 0.05)


class ChaosFails(JobDefinition):
    """Its second step always fails; the third needs it, the fourth does not."""

    Params = Marked

    @step(retries=99, retry_delay=0)
    def fine(self, run):
        work(run, 0.1)

    @step
    def bad(self, run):
        work(run, 0.1)
        raise ValueError("this one had to fail")

    @step(retries=99, retry_delay=0)
    def after_bad(self, run):
        work(run, 0.1)

    @step(needs=["fine"], retries=99, retry_delay=0)
    def sibling(self, run):
        work(run, 0.2)


class ChaosWatches(JobDefinition):
    """Looks itself whether it is cancelled."""

    Params = Marked

    @step(retries=99, retry_delay=0)
    def watch(self, run):
        work(run, 0.1)
        for _ in range(50):
            if run.cancelled:
                return
            time.sleep(0.02)


# --- for tests of single promises -----------------------------------------------------------------


class Lingers(JobDefinition):
    """Waits for a file, says much, leaves a file beside it for its attempt, and returns."""

    class Params(forms.Form):
        gate = forms.CharField()

    @step(retries=100, retry_delay=0)
    def linger(self, run):
        run.log(f"attempt {run.attempt} waits")
        gate = run.params["gate"]
        while not os.path.exists(gate):
            time.sleep(0.005)
        for number in range(20):
            print(f"attempt {run.attempt} is late with {number}", flush=True)
        Path(f"{gate}.{run.idempotency_key}.{run.attempt}").touch()
        return run.attempt


class PoisonsWorkers(JobDefinition):
    """Kills its worker each time, whatever its retries."""

    @step(retries=50, retry_delay=0)
    def kill(self, run):
        psutil.Process().parent().parent().kill()
        time.sleep(600)


class OnlyLogs(JobDefinition):
    """Never looks whether it is cancelled: it logs."""

    @step
    def speak(self, run):
        while True:
            run.log("still here")
            time.sleep(0.02)


class OnlyProgresses(JobDefinition):
    @step
    def progress(self, run):
        run.log("begins")
        for number in range(10**9):
            run.progress(number % 100, 100)


class OnlyTracks(JobDefinition):
    @step
    def track(self, run):
        run.log("begins")
        for _ in run.track(range(10**9), "counting"):
            time.sleep(0.001)


class Multiplies(JobDefinition):
    """Five steps, each of which starts processes that do not want to end."""

    @step(needs=[])
    def daemon(self, run):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                _sleep_stubbornly()
            os._exit(0)
        os.wait()
        run.log("has a daemon")
        time.sleep(600)

    @step(needs=[])
    def shells(self, run):
        command = "trap '' TERM; sleep 600 & (setsid sleep 600 &); echo has shells; sleep 600"
        subprocess.run(["sh", "-c", command])

    @step(needs=[])
    def generations(self, run):
        for _ in range(5):
            if os.fork():
                _sleep_stubbornly()
            os.setsid()
        os.write(1, b"has five generations\n")
        _sleep_stubbornly()

    @step(needs=[])
    def replaced(self, run):
        """Starts another child for each that ends."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        run.log("replaces its children")
        while True:
            subprocess.run(["sleep", "0.1"])

    @step(needs=[])
    def catches(self, run):
        children = [subprocess.Popen(["sleep", "600"], start_new_session=True) for _ in range(3)]
        run.log("has sessions of others")
        while True:
            try:
                children[0].wait()
                time.sleep(600)
            except BaseException:
                continue


def _sleep_stubbornly():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(600)
