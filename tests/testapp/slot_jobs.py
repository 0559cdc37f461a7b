"""Steps that change their process in every way, and steps that look whether anything is left."""

import ctypes
import decimal
import gc
import locale
import logging
import logging.config
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from multiprocessing import get_context, shared_memory

from django import forms
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.utils import timezone, translation

from jobs.definitions import JobDefinition, step

libc = ctypes.CDLL(None)
loose = threading.local()
SOFT_FILES = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
NO_LOGGERS = {"version": 1, "root": {"level": "ERROR", "handlers": []}}


def _limit_files():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))


def _disturb_logger():
    logger = logging.getLogger("tests.testapp")
    logger.propagate, logger.disabled = False, True
    logger.handlers.append(logging.StreamHandler())


def _umask():
    os.umask(umask := os.umask(0))
    return umask


def _logs():
    """Whether a line of a library would be in the log, and once."""
    logger = logging.getLogger("tests.testapp")
    return [logger.isEnabledFor(logging.INFO), len(logger.handlers), len(logging.root.handlers)]


# What README names: how a step changes it, and what of it the next step sees.
def _enter_zone(name):
    before = os.environ["TZ"]
    os.environ["TZ"] = name
    time.tzset()
    os.environ["TZ"] = before


TRACES = {
    "directory": (lambda: os.chdir("/"), os.getcwd),
    "umask": (lambda: os.umask(0o777), _umask),
    "environment": (lambda: os.environ.update(LEAK="1"), lambda: os.environ.get("LEAK")),
    "time zone of the process": (
        lambda: (os.environ.update(TZ="Asia/Tokyo"), time.tzset()),
        lambda: time.tzname,
    ),
    "time zone that no variable names": (lambda: _enter_zone("Asia/Tokyo"), lambda: time.tzname),
    "sys.path": (lambda: sys.path.insert(0, "/leak"), lambda: sys.path[0]),
    "sys.argv": (lambda: sys.argv.append("leak"), lambda: sys.argv[-1]),
    "signal": (
        lambda: signal.signal(signal.SIGUSR1, signal.SIG_IGN),
        lambda: signal.getsignal(signal.SIGUSR1),
    ),
    "signal mask": (
        lambda: signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM]),
        lambda: sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
    ),
    "timer": (lambda: signal.alarm(60), lambda: signal.getitimer(signal.ITIMER_REAL)[0]),
    "soft limit": (_limit_files, lambda: resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
    "output": (lambda: os.close(1), lambda: os.fstat(1).st_ino == os.fstat(2).st_ino),
    "logging.disable": (lambda: logging.disable(logging.CRITICAL), _logs),
    "dictConfig": (lambda: logging.config.dictConfig(NO_LOGGERS), _logs),
    "logger": (_disturb_logger, _logs),
    "warnings": (lambda: warnings.simplefilter("error"), lambda: warnings.filters[0][0]),
    "captureWarnings": (
        lambda: logging.captureWarnings(True),
        lambda: warnings.showwarning.__module__,
    ),
    "locale": (lambda: locale.setlocale(locale.LC_ALL, "C"), lambda: locale.setlocale(0)),
    "decimal context": (
        lambda: setattr(decimal.getcontext(), "prec", 3),
        lambda: decimal.getcontext().prec,
    ),
    "random numbers": (lambda: random.seed(1), lambda: random.random() == 0.13436424411240122),
    "language": (lambda: translation.activate("de"), translation.get_language),
    "time zone": (lambda: timezone.activate("Asia/Tokyo"), timezone.get_current_timezone_name),
    "recursion limit": (lambda: sys.setrecursionlimit(500), sys.getrecursionlimit),
    "socket time-out": (lambda: socket.setdefaulttimeout(0.001), socket.getdefaulttimeout),
    "garbage collection": (gc.disable, gc.isenabled),
    "transaction": (lambda: transaction.atomic().__enter__(), lambda: connection.in_atomic_block),
    "autocommit": (lambda: transaction.set_autocommit(False), transaction.get_autocommit),
}
# … and what only another process is free of.
LASTING = {
    "thread-local": (lambda: setattr(loose, "leak", 1), lambda: hasattr(loose, "leak")),
    "module": (lambda: setattr(sys, "leak", 1), lambda: hasattr(sys, "leak")),
    "hard limit": (
        lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)),
        lambda: resource.getrlimit(resource.RLIMIT_CORE)[1],
    ),
    "C's buffer": (lambda: libc.printf(b"leak"), lambda: None),
}


def look(traces):
    return {name: str(seen()) for name, (_, seen) in traces.items()}


class OneTrace(forms.Form):
    trace = forms.ChoiceField(choices=[(name, name) for name in TRACES | LASTING])


class LeavesTraces(JobDefinition):
    """The first step changes its process in one way; the second one looks at everything."""

    Params = OneTrace

    @step
    def change(self, run):
        before = look(TRACES)
        change, _ = (TRACES | LASTING)[run.params["trace"]]
        change()
        return [os.getpid(), before]

    @step
    def look(self, run):
        return [os.getpid(), look(TRACES)]


class Leaves(JobDefinition):
    """One step: looks at everything, says so in every way, and changes its process in one way."""

    Params = OneTrace

    @step
    def leave(self, run):
        before = look(TRACES | LASTING)
        word = run.idempotency_key
        run.log(f"run.log {word}")
        print("print", word)
        logging.getLogger("tests.testapp").warning("logging %s", word)
        libc.printf(f"C {word}\n".encode())
        change, _ = (TRACES | LASTING)[run.params["trace"]]
        change()
        return [os.getpid(), before]


class TellsWho(JobDefinition):
    """Which process runs its steps, three after one another; the second succeeds when retried."""

    class Params(forms.Form):
        failures = forms.IntegerField(required=False)

    @step
    def first(self, run):
        return [os.getpid(), run.attempt, run.idempotency_key]

    @step(retries=1, retry_delay=0)
    def second(self, run):
        run.log(os.getpid())
        if run.attempt <= (run.params["failures"] or 0):
            raise ValueError("no luck")
        return os.getpid()

    @step
    def third(self, run):
        return os.getpid()


class LosesItsLimit(JobDefinition):
    """Lowers a hard limit below the soft one that there was."""

    @step
    def leave(self, run):
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        return os.getpid()

    @step
    def follow(self, run):
        return os.getpid()


def _begin(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)


def _raw_transaction():
    global raw
    raw = connection.Database.connect(connection.settings_dict["NAME"], isolation_level=None)
    raw.execute("BEGIN IMMEDIATE")


def _write():
    Group.objects.create(name=f"left by {os.getpid()}")


OPEN = {
    "BEGIN in SQL": lambda: (_begin("BEGIN"), _write()),
    "autocommit off": lambda: (transaction.set_autocommit(False), _write()),
    "an atomic block": lambda: (transaction.atomic().__enter__(), _write()),
    "a failed statement in a block": lambda: (
        transaction.atomic().__enter__(),
        _write(),
        transaction.set_rollback(True),
    ),
    "a raw connection": _raw_transaction,
}


class LeavesOpen(JobDefinition):
    """Returns, or raises, with a transaction open; then counts what was written in it."""

    class Params(forms.Form):
        how = forms.ChoiceField(choices=[(how, how) for how in OPEN])
        fails = forms.BooleanField(required=False)

    @step
    def leave(self, run):
        OPEN[run.params["how"]]()
        if run.params["fails"]:
            raise ValueError("no luck")

    @step
    def count(self, run):
        return Group.objects.filter(name__startswith="left by").count()


class UsesMultiprocessing(JobDefinition):
    """Starts both helpers of multiprocessing; the next step uses them again."""

    @step
    def first(self, run):
        return self.use()

    @step
    def second(self, run):
        return self.use()

    def use(self):
        memory = shared_memory.SharedMemory(create=True, size=8)
        memory.close()
        memory.unlink()
        child = get_context("forkserver").Process(target=os.getpid)
        child.start()
        child.join()
        from multiprocessing import forkserver, resource_tracker

        return [
            os.getpid(),
            child.exitcode,
            forkserver._forkserver._forkserver_pid,
            resource_tracker._resource_tracker._pid,
        ]


class StartsAProgram(JobDefinition):
    """What a program that a step starts would do at Ctrl-C."""

    @step
    def start(self, run):
        status = subprocess.run(["cat", "/proc/self/status"], capture_output=True, text=True)
        [ignored] = [line for line in status.stdout.splitlines() if line.startswith("SigIgn")]
        return int(ignored.split()[1], 16)


class HangsAmongThreads(JobDefinition):
    """Waits while threads of it log without a pause."""

    @step
    def hang(self, run):
        is_over = threading.Event()

        def chatter():
            while not is_over.is_set():
                run.log("x" * 10_000)

        for _ in range(3):
            threading.Thread(target=chatter).start()
        try:
            threading.Event().wait()
        finally:
            is_over.set()


class ClosesItsConnection(JobDefinition):
    """Closes what Django takes for an open connection, as libraries do that are handed one."""

    @step
    def leave(self, run):
        connection.ensure_connection()
        connection.connection.close()

    @step
    def follow(self, run):
        return Group.objects.count()
