"""Do all views of one job agree: job page, list, admin (two pages), terminal, ``show --json``?

One process makes moves as a worker does (steps start, are handed back, succeed, fail; in the end
the job is cancelled) and notes the time just after each commit. Four pages in Chromium and
``launch --follow`` in a pseudo-terminal note each change of what they show. For each of many
moments: how old is what a view shows, and did it ever go back?

    .venv/bin/python benchmarks/five_views.py [--seconds 60] [--rate 40] [--samples 1000]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import re
import statistics
import sys
import tempfile
import time
from bisect import bisect_right
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from io import StringIO
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from commit_to_dom import manage, open_page, start_server  # noqa: E402

STEPS = [f"s{number:02}" for number in range(12)]
ALLOWED = 250.0  # milliseconds
SHOW_SECONDS = 1.0  # between two calls; in one process, since each new one costs a core a second
RECORD = """
(() => {
  window.states = [];
  const note = () => {
    const rows = [...document.querySelectorAll('[data-job], [data-step]')];
    const shown = Object.fromEntries(rows.map(row => [
      row.dataset.step ?? 'job', (row.querySelector('.status') ?? row).textContent.trim()]));
    const text = JSON.stringify(shown);
    const now = performance.timeOrigin + performance.now();
    if (states.at(-1)?.[1] !== text) states.push([now, text]);
  };
  note();
  new MutationObserver(note).observe(
    document, {subtree: true, childList: true, attributes: true, characterData: true});
})()
"""
State = dict[str, str]  # of "job" and of each step, by name
Told = list[tuple[float, State]]  # from when on (milliseconds since 1970), what


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=40.0, help="moves a second")
    parser.add_argument("--samples", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, ExitStack() as ending:
        os.environ.setdefault("DATABASE_URL", f"sqlite:///{directory}/bench.sqlite3")
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "DJANGO_ALLOW_ASYNC_UNSAFE": "1",  # Playwright keeps a loop in this thread
        }
        manage("migrate", "-v0").wait()
        truth, views, calls = run(start_server(ending), options.seconds, options.rate)
    moments = sample(truth, options.samples)
    for name, told in views.items():
        report(name, truth, told, moments)
    true = [was_true(truth, *call) for call in calls]
    print(f"show --json  {len(true)} calls, {sum(true)} told what was true while they ran")


Call = tuple[float, float, State]  # when a command began and ended, and what it said


def run(url: str, seconds: float, rate: float) -> tuple[Told, dict[str, Told], list[Call]]:
    import django

    django.setup()
    import shutil

    from playwright.sync_api import sync_playwright

    from jobs import orchestrator
    from tests.support.terminal import Terminal

    job = orchestrator.launch(definition())
    with (
        sync_playwright() as playwright,
        ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as others,
        ExitStack() as ending,
    ):
        terminal = Terminal(
            "launch",
            "--follow",
            str(job.pk),
            columns=100,
            rows=30,
            DJANGO_SETTINGS_MODULE=os.environ["DJANGO_SETTINGS_MODULE"],
        )
        ending.callback(terminal.end)
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        pages = {"job page": open_page(chromium, url, job)}
        admin = "admin/truestep/job/"
        paths = {"list": "", "admin": admin, "admin's job": f"{admin}{job.pk}/change/"}
        for name, path in paths.items():
            page = open_page(chromium, url, job)  # its own window: none is in the background
            page.goto(url + path)
            page.wait_for_selector("body[data-live=live]")
            pages[name] = page
        for page in pages.values():
            page.evaluate(RECORD)
        done = others.submit(make_moves, job.pk, seconds, rate)
        calls: list[Call] = []
        while not done.done():
            calls.append(others.submit(show, job.pk).result())
            time.sleep(SHOW_SECONDS)
        truth = done.result()
        pages["job page"].wait_for_selector(".job-head[data-status=failed]")
        time.sleep(1.0)  # whatever is still to come
        views = {
            name: [(at, json.loads(text)) for at, text in page.evaluate("states")]
            for name, page in pages.items()
        }
        chromium.close()
        views["terminal"] = told_by(terminal.replay())
    return truth, views, calls


def show(job_id: int) -> Call:
    import django
    from django.core.management import call_command

    django.setup()
    began = time.time() * 1000
    answer = StringIO()
    call_command("show", str(job_id), "--json", stdout=answer)
    shown = json.loads(answer.getvalue())
    steps = {step["name"]: step["status"] for step in shown["steps"]}
    return began, time.time() * 1000, steps | {"job": shown["job"]["status"]}


def was_true(truth: Told, began: float, ended: float, shown: State) -> bool:
    starts = [at for at, _ in truth]
    first, last = bisect_right(starts, began) - 1, bisect_right(starts, ended)
    return any(matches(shown, state) for _, state in truth[max(first, 0) : last])


def told_by(screens: Iterable[tuple[float, list[str]]]) -> Told:
    """What the screens of a terminal tell of the job."""
    told: Told = []
    for at, lines in screens:
        found = [re.search(r"(?:─ |^)\S (\w+) (\w+)(?: #\d+)?\b", line) for line in lines]
        state = {name: status for status, name in (item.groups() for item in found if item)}
        if "views" in state and len(state) == len(STEPS) + 1:
            state["job"] = state.pop("views")
            if not told or told[-1][1] != state:
                told.append((at * 1000, state))
    return told


def definition() -> Any:
    from jobs.definitions import JobDefinition, step

    return type(
        "Views",
        (JobDefinition,),
        {name: step(needs=[])(lambda self, run: None) for name in STEPS},
    )


def make_moves(job_id: int, seconds: float, rate: float) -> Told:
    """Be a worker; the state of the job after each commit, from just after it on."""
    import django

    django.setup()
    from jobs import database, orchestrator, workers
    from jobs.codes import Fact
    from jobs.runner import Outcome, Verdict

    chance = random.Random(1)
    knows = {"views": STEPS}
    definition()
    post = workers.register(slots=4, knows=knows, only_job=job_id)
    desk = orchestrator.Claimant(worker=post.worker, knows=knows)

    def state() -> State:
        sql = """
            SELECT name, status FROM truestep_step WHERE job_id = %s
            UNION ALL SELECT 'job', status FROM truestep_job WHERE id = %s
        """
        return dict(database.rows(sql, job_id, job_id))

    truth: Told = [(0.0, state())]
    held: list[Any] = []
    start = time.perf_counter()
    number = 0
    while time.perf_counter() < start + seconds:
        number += 1
        time.sleep(max(0.0, start + number / rate - time.perf_counter()))
        if len(held) < 4 and chance.random() < 0.6 and (claims := orchestrator.claim(desk, 1)):
            held += claims
        elif held:
            claim = held.pop(chance.randrange(len(held)))
            verdict = chance.choices(
                [Verdict.HANDED_BACK, Verdict.RETURNED, Verdict.FAILED], [200, 1, 1]
            )[0]
            outcome = Outcome(
                verdict=verdict, fact=Fact.text("for a measurement"), error="as drawn"
            )
            orchestrator.finish(desk, claim, outcome, 0)
        else:
            continue
        truth.append((time.time() * 1000, state()))
    orchestrator.cancel(job_id)
    truth.append((time.time() * 1000, state()))
    for claim in held:
        orchestrator.finish(
            desk,
            claim,
            Outcome(verdict=Verdict.FAILED, fact=Fact.text("raised"), error="in the end"),
            0,
        )
        truth.append((time.time() * 1000, state()))
    post.deregister()
    return truth


def sample(truth: Told, count: int) -> list[float]:
    chance = random.Random(2)
    return sorted(chance.uniform(truth[1][0], truth[-1][0] + 500) for _ in range(count))


def report(name: str, truth: Told, told: Told, moments: list[float]) -> None:
    """How old what the view shows is, at each moment: 0 when it is the newest."""
    starts = [at for at, _ in truth]
    ages, never = [], 0
    for moment in moments:
        index = bisect_right([at for at, _ in told], moment) - 1
        if index < 0:
            continue
        shown = told[index][1]
        # A view may show what is committed and not noted yet: the next entry is as new.
        newest = bisect_right(starts, moment) - 1
        age = 0.0
        for entry in range(min(newest + 1, len(truth) - 1), -1, -1):
            if matches(shown, truth[entry][1]):
                age = 0.0 if entry >= newest else moment - starts[entry + 1]
                break
        else:
            never += 1
        ages.append(age)
    late = sum(age >= ALLOWED for age in ages)
    p99 = statistics.quantiles(ages, n=100)[98]
    print(
        f"{name:12} {len(ages)} moments, {len(told)} states: median age "
        f"{statistics.median(ages):.0f} ms, p99 {p99:.0f} ms, max "
        f"{max(ages):.0f} ms, {late} of {ALLOWED:g} ms or more, {never} that never were, "
        f"{steps_back(truth, told)} steps back"
    )


def matches(shown: State, true: State) -> bool:
    return all(true.get(name) == status for name, status in shown.items())


def steps_back(truth: Told, told: Told) -> int:
    """How often a view showed what had been before what it had shown already."""
    entry = back = 0
    for _, shown in told:
        later = next((i for i in range(entry, len(truth)) if matches(shown, truth[i][1])), None)
        if later is None:
            back += 1
        else:
            entry = later
    return back


if __name__ == "__main__":
    main()
