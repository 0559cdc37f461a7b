"""What several benchmarks need: options, processes, pages, definitions, workers and figures."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.db import connections
from playwright.sync_api import Browser, Page, sync_playwright

from jobs import orchestrator, workers
from jobs.codes import Code, Fact
from jobs.definitions import JobDefinition, step
from jobs.engines.base import get_engine
from jobs.journal import Claim
from jobs.runner import Outcome
from jobs.statuses import Verdict

ROOT = Path(__file__).resolve().parent.parent
MANAGE = [sys.executable, "manage.py"]


def options(doc: str | None, **defaults: float) -> argparse.Namespace:
    """The command line's options: each has a default, and a switch is False."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, default in defaults.items():
        if default is False:
            parser.add_argument(f"--{name}", action="store_true")
        else:
            parser.add_argument(f"--{name}", type=type(default), default=default)
    return parser.parse_args()


def migrate() -> None:
    subprocess.run([*MANAGE, "migrate", "-v0"], cwd=ROOT, check=True)


def start(ending: ExitStack, *arguments: str) -> subprocess.Popen[str]:
    """Start a command of ``manage.py``, which *ending* stops."""
    process = subprocess.Popen([*MANAGE, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    ending.callback(process.wait)
    ending.callback(process.terminate)
    return process


def url_of(server: subprocess.Popen[str]) -> str:
    """The address that ``serve`` prints, once it is ready."""
    assert server.stdout
    return next(line for line in server.stdout if line.startswith("Ready")).split()[1]


def start_server(ending: ExitStack) -> str:
    """The address of a new web process, which *ending* stops."""
    return url_of(start(ending, "serve", "--no-worker", "--port", "0"))


def web_process() -> psutil.Process:
    """The only web process that was started from here."""
    children = psutil.Process().children(recursive=True)
    (found,) = (child for child in children if "jobs.management.server" in child.cmdline())
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def start_redis(ending: ExitStack) -> str:
    """The address of a new Redis server, which *ending* stops."""
    directory = ending.enter_context(tempfile.TemporaryDirectory())
    port = free_port()
    server = subprocess.Popen(
        ["redis-server", "--port", str(port), "--save", "", "--dir", directory],
        stdout=subprocess.DEVNULL,
    )
    ending.callback(server.wait)
    ending.callback(server.terminate)
    return f"redis://127.0.0.1:{port}/0"


def fork_worker(
    slots: int, around: Callable[[Callable[[], None]], None] = lambda run: run()
) -> int:
    """The process id of a worker that knows this process's definitions. SIGTERM drains it.

    *around* calls the worker's loop, which it is given.
    """
    connections.close_all()
    pid = os.fork()
    if pid == 0:
        try:
            worker = get_engine().worker(slots)
            signal.signal(signal.SIGTERM, lambda *_: worker.stop())
            around(worker.run)
        finally:
            os._exit(0)
    return pid


class Usage(NamedTuple):
    """What all threads of a process have used so far."""

    cpu: float  # seconds
    wake_ups: int


def usage(pid: int) -> Usage:
    """As the kernel counts it, in nanoseconds; a wake-up follows each voluntary wait."""
    cpu, waits = 0.0, 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        cpu += int((task / "schedstat").read_text().split()[0]) / 1e9
        status = (task / "status").read_text()
        waits += int(status.split("\nvoluntary_ctxt_switches:")[1].split()[0])
    return Usage(cpu, waits)


def session_key(username: str = "benchmark") -> str:
    """The key of a new session in which a superuser is logged in."""
    user, _ = User.objects.get_or_create(username=username, is_superuser=True, is_staff=True)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            yield browser
        finally:
            browser.close()


def new_page(browser: Browser, url: str) -> Page:
    """An empty page in its own window, logged in at the server *url*."""
    context = browser.new_context()
    context.add_cookies([{"name": "sessionid", "value": session_key(), "url": url}])
    return context.new_page()


def go(page: Page, address: str) -> None:
    """Go to *address* and wait until the page is live."""
    page.goto(address)
    page.wait_for_selector("body[data-live=live]")


def open_page(browser: Browser, url: str, path: str) -> Page:
    """A new live page of the server *url*."""
    page = new_page(browser, url)
    go(page, url + path)
    return page


def chain(name: str, steps: int) -> type[JobDefinition]:
    """A definition whose steps, s0000 and so on, run one after another and do nothing."""
    body: Any = {f"s{number:04}": step(lambda self, run: None) for number in range(steps)}
    return type(name, (JobDefinition,), body)


def fan(name: str, steps: int) -> type[JobDefinition]:
    """A definition whose steps run side by side, except the last one, which needs all others."""
    names = [f"s{number:04}" for number in range(steps - 1)]
    body: Any = {name: step(needs=[])(lambda self, run: None) for name in names}
    body["last"] = step(needs=names)(lambda self, run: None)
    return type(name, (JobDefinition,), body)


class ManualWorker:
    """This process as a registered worker that runs no step: each claim and each end is a call."""

    def __init__(
        self, *definitions: type[JobDefinition], slots: int = 1, only_job: int | None = None
    ) -> None:
        knows = {definition.name: list(definition.steps()) for definition in definitions}
        self._registration = workers.register(slots=slots, knows=knows, only_job=only_job)
        self._claimant = orchestrator.Claimant(self._registration.worker, knows)

    def claim(self) -> list[Claim]:
        """Start a ready step, if there is one."""
        return orchestrator.claim(self._claimant, 1)

    def succeed(self, held: Claim, room: int = 0) -> list[Claim]:
        """End an attempt with success, and start up to *room* steps of its job."""
        outcome = Outcome(verdict=Verdict.RETURNED, fact=Fact(Code.STEP_RETURNED))
        return orchestrator.finish(self._claimant, held, outcome, room)

    def end(self, held: Claim, verdict: Verdict) -> None:
        """End an attempt in another way."""
        outcome = Outcome(verdict=verdict, fact=Fact.text("for a benchmark"), error="as drawn")
        orchestrator.finish(self._claimant, held, outcome, 0)

    def forget(self) -> None:
        """Forget the jobs that it remembers, as a worker does that has moved on."""
        self._claimant.jobs.clear()

    def deregister(self) -> None:
        self._registration.deregister()


def percentile(figures: Sequence[float], percent: int) -> float:
    return statistics.quantiles(figures, n=100, method="inclusive")[percent - 1]


def summary(milliseconds: Sequence[float]) -> str:
    shown = [f"p{percent} {percentile(milliseconds, percent):.1f} ms" for percent in (50, 95, 99)]
    return ", ".join([*shown, f"max {max(milliseconds):.1f} ms"])
