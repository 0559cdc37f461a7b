"""Steps that behave badly, each in one way."""

import _thread
import os
import signal
import subprocess
import sys
import threading
import time

from django import forms

from jobs.definitions import JobDefinition, step


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


def daemonise():
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
    "leave a daemon": lambda run: daemonise(),
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
    """Behaves as its parameter says."""

    class Params(forms.Form):
        behaviour = forms.ChoiceField(choices=[(behaviour, behaviour) for behaviour in BEHAVIOURS])

    @step
    def misbehave(self, run):
        return BEHAVIOURS[run.params["behaviour"]](run)

    @step
    def after(self, run): ...


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
