"""Tiny definitions named by their fate."""

import _thread
import logging
import os
import signal
import subprocess
import sys
import threading
import time

from django import forms

from jobs.definitions import JobDefinition, step
from jobs.exceptions import NoRetry


class Noop(JobDefinition):
    """Five steps that do nothing, one after another."""

    @step
    def one(self, run): ...

    @step
    def two(self, run): ...

    @step
    def three(self, run): ...

    @step
    def four(self, run): ...

    @step
    def five(self, run): ...


class Diamond(JobDefinition):
    """One step, two side by side, one that needs both."""

    @step
    def top(self, run):
        return 1

    @step(needs=["top"])
    def left(self, run):
        return run.results["top"] + 1

    @step(needs=["top"])
    def right(self, run):
        return run.results["top"] + 2

    @step(needs=["left", "right"])
    def bottom(self, run):
        return run.results


class Fails(JobDefinition):
    """The second step raises; the third needs it, the fourth does not."""

    @step
    def fine(self, run): ...

    @step
    def bad(self, run):
        raise ValueError("<b>no</b> such luck")

    @step
    def after_bad(self, run): ...

    @step(needs=["fine"])
    def sibling(self, run): ...


class Waits(JobDefinition):
    """Its steps last until a file appears: a test decides when."""

    class Params(forms.Form):
        gate = forms.CharField(help_text="The file to wait for")

    @step
    def before(self, run): ...

    @step
    def waiting(self, run):
        run.log("waiting")
        while not os.path.exists(run.params["gate"]):
            time.sleep(0.01)
        for number in range(100):
            print(f"through the gate {number}")

    @step
    def after(self, run): ...


class Hangs(JobDefinition):
    """Sleeps, with a child process that sleeps too."""

    @step
    def hang(self, run):
        run.log("hanging")
        subprocess.run(["sleep", "600"])

    @step
    def never(self, run): ...


class Stubborn(JobDefinition):
    """Hears that it is asked to stop, and goes on."""

    @step
    def resist(self, run):
        signal.signal(signal.SIGTERM, lambda *_: print("asked to stop"))
        run.log("resisting")
        while True:
            time.sleep(1)


class TimesOut(JobDefinition):
    @step(timeout=0.5)
    def slow(self, run):
        time.sleep(600)

    @step
    def after_slow(self, run): ...


class Chatters(JobDefinition):
    """Prints many lines, and waits for a file after the first."""

    class Params(forms.Form):
        lines = forms.IntegerField(initial=3609)
        gate = forms.CharField(required=False)

    @step
    def chatter(self, run):
        for number in range(1, run.params["lines"] + 1):
            print(f"line {number} of the log")
            if number == 1 and run.params["gate"]:
                sys.stdout.flush()
                while not os.path.exists(run.params["gate"]):
                    time.sleep(0.01)


class Drips(JobDefinition):
    """Prints 2,500 lines, waits for a file, and prints 2,500 more."""

    class Params(forms.Form):
        gate = forms.CharField()

    @step
    def drip(self, run):
        for number in range(1, 5001):
            print(f"drop {number}")
            if number == 2500:
                sys.stdout.flush()
                while not os.path.exists(run.params["gate"]):
                    time.sleep(0.01)


class Speaks(JobDefinition):
    """Says something in each way that there is."""

    @step
    def speak(self, run):
        run.log("from run.log")
        print("from print")
        logging.getLogger("some.library").warning("from logging")
        subprocess.run(["sh", "-c", "echo from a child; echo from its stderr >&2"])
        run.log("an error", level="error")
        for done in range(11):
            run.progress(done, 10, "counting")


class Paced(JobDefinition):
    """Steps of half a second each, side by side in pairs."""

    @step(needs=[])
    def a(self, run):
        time.sleep(0.5)

    @step(needs=[])
    def b(self, run):
        time.sleep(0.5)

    @step(needs=["a"])
    def c(self, run):
        time.sleep(0.5)

    @step(needs=["b", "c"])
    def d(self, run):
        time.sleep(0.5)


class Counts(JobDefinition):
    """Says that it is at 3 of 8, and stays there."""

    @step
    def count(self, run):
        run.progress(3, 8, "counting")
        time.sleep(600)


class Particular(JobDefinition):
    """Can be launched by one person only."""

    @classmethod
    def authorize(cls, params, *, actor, source):
        if actor != "grace":
            raise forms.ValidationError(f"not for {actor} from {source}")

    @step
    def only(self, run): ...


# --- steps that behave badly ----------------------------------------------------------------------


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("not even this")


def _recurse():
    _recurse()


def _fork():
    if os.fork() == 0:
        return "from the child"
    os.wait()
    return "from the parent"


def _raise(error):
    raise error


def _daemonise():
    """Double fork into a session of its own, as daemons do; it holds on to the output."""
    begun, begins = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            print(f"daemon {os.getpid()}", flush=True)
            os.write(begins, b".")
            time.sleep(600)
        os._exit(0)
    os.wait()
    os.read(begun, 1)


def _close_everything():
    sys.stdout.close()
    os.close(1)
    os.close(2)


def _unlimited(value):
    """Reached by a step that has lifted the interpreter's limits; its worker has not."""
    sys.set_int_max_str_digits(0)
    sys.setrecursionlimit(10_000)
    return value()


def _nest(depth):
    inmost = []
    for _ in range(depth):
        inmost = [inmost]
    return inmost


BEHAVIOURS = {
    "return a set": lambda run: {1},
    "return NaN": lambda run: float("nan"),
    "return bytes": lambda run: b"raw",
    "return too much": lambda run: "x" * 2**20,
    "return itself": lambda run: (loop := []).append(loop) or loop,
    "return a huge number": lambda run: _unlimited(lambda: {"n": 10**5000}),
    "return what is too deep": lambda run: _unlimited(lambda: {"n": _nest(1000)}),
    "return odd text": lambda run: {"a\0b": ["\x1b[31m", "\ud800"]},
    "raise": lambda run: _raise(ValueError("<b>no</b> such luck")),
    "raise without text": lambda run: _raise(ValueError),
    "raise the unprintable": lambda run: _raise(Unprintable()),
    "raise odd text": lambda run: _raise(ValueError("nul \0 esc \x1b[31m lone \ud800 <script>")),
    "raise 10 MB": lambda run: _raise(ValueError("x" * 10 * 2**20)),
    "raise KeyboardInterrupt": lambda run: _raise(KeyboardInterrupt()),
    "recurse": lambda run: _recurse(),
    "sys.exit": lambda run: sys.exit(),
    "sys.exit 0": lambda run: sys.exit(0),
    "sys.exit text": lambda run: sys.exit("enough"),
    "os._exit 0": lambda run: os._exit(0),
    "os._exit 7": lambda run: os._exit(7),
    "die by KILL": lambda run: os.kill(os.getpid(), signal.SIGKILL),
    "die by SEGV": lambda run: os.kill(os.getpid(), signal.SIGSEGV),
    "TERM itself": lambda run: os.kill(os.getpid(), signal.SIGTERM),
    "fork and return twice": lambda run: _fork(),
    "leave a daemon": lambda run: _daemonise(),
    "close its output": lambda run: _close_everything(),
    "hide its output": lambda run: vars(sys).update(__stdout__=None, __stderr__=None),
    "break what clears up": lambda run: vars(sys).update(_current_frames=None),
    "close every descriptor": lambda run: os.closerange(0, 100),
    "print binary": lambda run: os.write(1, bytes(range(256)) + b"\n"),
    "print NUL": lambda run: print("a\0b"),
    "print ANSI": lambda run: print("\x1b[31mred\x1b[0m"),
    "print markup": lambda run: print("<script>alert(1)</script>"),
    "print a lone surrogate": lambda run: print("\udcff"),
    "print 10 MB in a line": lambda run: print("x" * 10 * 2**20),
    "log 60 MB in a line": lambda run: run.log("y" * 60 * 2**20),
    "log odd text": lambda run: run.log("nul \0 esc \x1b lone \ud800\nsecond line"),
    "log at no level": lambda run: run.log("text", level="loud"),
    "progress of nothing": lambda run: run.progress(-1, 10),
    "progress of NaN": lambda run: run.progress(float("nan"), 10),
    "end without a newline": lambda run: print("no newline", end=""),
    "speak from a child at the end": lambda run: subprocess.call(["printf", "late"]),
}


class Misbehaves(JobDefinition):
    """Does the behaviour it is told to."""

    class Params(forms.Form):
        behaviour = forms.ChoiceField(choices=[(behaviour, behaviour) for behaviour in BEHAVIOURS])

    @step
    def misbehave(self, run):
        return BEHAVIOURS[run.params["behaviour"]](run)

    @step
    def after(self, run): ...


class Forks(JobDefinition):
    """Children that ignore TERM, one of them a daemon, and the step itself ignores it too."""

    @step
    def fork(self, run):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _daemonise()
        subprocess.run(["sh", "-c", "trap '' TERM; sleep 600 & sleep 600"])


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


class TwoGates(JobDefinition):
    """Two steps that wait for the same file, side by side."""

    class Params(forms.Form):
        gate = forms.CharField()

    @step(needs=[])
    def left(self, run):
        while not os.path.exists(run.params["gate"]):
            time.sleep(0.01)

    @step(needs=[])
    def right(self, run):
        while not os.path.exists(run.params["gate"]):
            time.sleep(0.01)


class Options(JobDefinition):
    """A parameter of each kind that has a way of its own on the command line."""

    class Params(forms.Form):
        is_loud = forms.BooleanField(required=False)
        many = forms.MultipleChoiceField(choices=[(c, c) for c in "abc"])
        on = forms.DateField()

    @step
    def tell(self, run):
        return run.params | {"on": run.params["on"].isoformat()}


class LeavesThreads(JobDefinition):
    """Returns while threads of it print without end, which Python's threading may not know."""

    class Params(forms.Form):
        are_raw = forms.BooleanField(required=False)

    @step
    def leave(self, run):
        if run.params["are_raw"]:
            _thread.start_new_thread(_print_without_end, ())
        else:
            for _ in range(2):
                threading.Thread(target=_print_without_end, daemon=True).start()
        time.sleep(0.1)

    @step
    def follow(self, run):
        time.sleep(0.1)


def _print_without_end():
    while True:
        os.write(1, b"\n" * 65536)


class StartsChildren(JobDefinition):
    """Starts one short child after another; each has to succeed."""

    class Params(forms.Form):
        gate = forms.CharField()

    @step
    def start(self, run):
        run.log("starting")
        while not os.path.exists(run.params["gate"]):
            subprocess.run(["sleep", "0.01"], check=True)


class Broods(JobDefinition):
    """It takes its time to be made, before its step begins."""

    def __init__(self):
        time.sleep(0.5)

    @step
    def work(self, run):
        run.log("working")
        time.sleep(600)


class IgnoresItsTime(JobDefinition):
    """Its time is soon up, and it does not care."""

    @step(timeout=0.3)
    def resist(self, run):
        signal.signal(signal.SIGTERM, lambda *_: print("asked to stop"))
        run.log("resisting")
        while True:
            time.sleep(1)


class AnyTexts(forms.MultipleChoiceField):
    def valid_value(self, value):
        return True


class Echoes(JobDefinition):
    """Says what it is given in every way that there is: log, output, progress, result, error."""

    class Params(forms.Form):
        texts = AnyTexts()
        raw = forms.CharField(required=False, help_text="Bytes for the output, in hexadecimal")

    @step(needs=[])
    def speak(self, run):
        for text in run.params["texts"]:
            run.log(text)
        run.progress(1, 2, run.params["texts"][0])
        sys.stdout.flush()
        os.write(1, bytes.fromhex(run.params["raw"]))
        return {"texts": run.params["texts"]}

    @step(needs=[])
    def complain(self, run):
        raise ValueError("\n".join(run.params["texts"]))


def chain(name, length):
    """A definition of *length* steps that do nothing, one after another."""
    steps = {f"s{n:03}": step(lambda self, run: None) for n in range(length)}
    return type(name, (JobDefinition,), steps)


LongChain = chain("LongChain", 40)
FiftyDeep = chain("FiftyDeep", 50)
FiveHundredDeep = chain("FiveHundredDeep", 500)
ThousandDeep = chain("ThousandDeep", 1000)


def fail(self, run):
    raise RuntimeError("this one had to fail")


def fan(name, width, bad=""):
    """A definition of *width* steps side by side and one that needs all; one of them may fail."""
    names = [f"s{n:03}" for n in range(width)]
    steps = {name: step(needs=[])(lambda self, run: None) for name in names}
    if bad:
        steps[bad] = step(needs=[])(fail)
    steps["last"] = step(needs=names)(lambda self, run: None)
    return type(name, (JobDefinition,), steps)


FiftyWide = fan("FiftyWide", 49)
FiveHundredWide = fan("FiveHundredWide", 499)
ThousandWide = fan("ThousandWide", 999, bad="s734")


# --- steps that are tried again -------------------------------------------------------------------


class Flaky(JobDefinition):
    """Its second step fails as often as it is told to, and then succeeds."""

    class Params(forms.Form):
        failures = forms.IntegerField(initial=1)

    @step
    def before(self, run):
        return 1

    @step(retries=3, retry_delay=0.05)
    def flaky(self, run):
        run.log(f"attempt {run.attempt}")
        if run.attempt <= run.params["failures"]:
            raise ConnectionError(f"failure {run.attempt}")
        return run.attempt

    @step
    def after(self, run):
        return run.results


class Choosy(JobDefinition):
    """Tries again after one kind of exception alone, and never when it says so."""

    class Params(forms.Form):
        error = forms.CharField()

    @step(retries=2, retry_delay=0, retry_on=OSError)
    def choose(self, run):
        errors = {"OSError": OSError, "TimeoutError": TimeoutError, "NoRetry": NoRetry}
        raised = [errors.get(name, ValueError)("no luck") for name in run.params["error"].split()]
        raise raised[0] if len(raised) == 1 else ExceptionGroup("no luck", raised)


class Poison(JobDefinition):
    """Kills its process each time, whatever its retries."""

    @step(retries=50, retry_delay=0)
    def kill(self, run):
        os.kill(os.getpid(), signal.SIGKILL)


class Hoards(JobDefinition):
    """Takes 1 GiB of memory."""

    @step
    def hoard(self, run):
        return len(b"x" * 2**30)


class Patient(JobDefinition):
    """Waits for a file in its first attempts; may be tried again twice."""

    class Params(forms.Form):
        gate = forms.CharField()

    @step(retries=2, retry_delay=1)
    def wait(self, run):
        run.log(f"waiting in attempt {run.attempt}")
        while not os.path.exists(run.params["gate"]):
            time.sleep(0.01)
        return run.attempt

    @step
    def after(self, run): ...


class Sells(JobDefinition):
    """Logs through loggers of which one does not propagate (tests/ordinary_settings.py)."""

    @step
    def sell(self, run):
        for name in ("shop", "shop.till", None):
            logging.getLogger(name).info("sold by %s", name)
        return run.attempt


from tests.testapp.chaos_jobs import *  # noqa: E402, F403
from tests.testapp.crash_jobs import *  # noqa: E402, F403
from tests.testapp.database_fault_jobs import *  # noqa: E402, F403
from tests.testapp.field_jobs import *  # noqa: E402, F403
from tests.testapp.machine_jobs import *  # noqa: E402, F403
from tests.testapp.page_jobs import *  # noqa: E402, F403
from tests.testapp.slot_jobs import *  # noqa: E402, F403
from tests.testapp.two_databases_jobs import *  # noqa: E402, F403
