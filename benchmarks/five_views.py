"""Do all views of a job agree: job page, list, admin (two pages), terminal, ``show --json``?

    .venv/bin/python -m benchmarks.five_views [--seconds 60] [--rate 40] [--samples 1000]

One process makes moves as a worker does, --rate a second (steps start, are requeued, succeed, fail;
in the end the job is cancelled), and notes the state after each commit. Four pages in Chromium and
``launch --follow`` in a pseudo-terminal note each change of what they show. For each of --samples
moments: how old is what a view shows, and did it ever go back?
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import re
import statistics
import time
from bisect import bisect_right
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from io import StringIO
from typing import Any

from django.core.management import call_command
from playwright.sync_api import Page

from benchmarks.support import (
    ManualWorker,
    chromium,
    migrate,
    open_page,
    options,
    percentile,
    start_server,
)
from jobs import database, orchestrator
from jobs.definitions import JobDefinition, step
from jobs.journal import Claim
from jobs.statuses import Verdict
from tests.support.terminal import Terminal

STEPS = [f"s{number:02}" for number in range(12)]
SLOTS = 4
LATE = 250.0  # milliseconds
SHOW_SECONDS = 1.0  # between two calls of show
REQUEUED_SUCCEEDED_FAILED = [200, 1, 1]  # of 202 attempts
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
State = dict[str, str]  # the status of "job" and of each step, by name
States = list[tuple[float, State]]  # from when on (milliseconds since 1970)
Call = tuple[float, float, State]  # when a call began and ended, and what it said


def main() -> None:
    chosen = options(__doc__, seconds=60.0, rate=40.0, samples=1000)
    migrate()
    with ExitStack() as ending:
        truth, views, calls = watch(start_server(ending), chosen.seconds, chosen.rate)
    moments = draw_moments(truth, chosen.samples)
    for name, shown in views.items():
        report(name, truth, shown, moments)
    true = [was_true(truth, *call) for call in calls]
    print(f"show --json  {len(true)} calls, {sum(true)} said what was true while they ran")


def watch(url: str, seconds: float, rate: float) -> tuple[States, dict[str, States], list[Call]]:
    """The states that were committed, those that each view showed, and the calls of show."""
    job_id = orchestrator.launch(views_definition()).pk
    with (
        chromium() as browser,
        ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as others,
        ExitStack() as ending,
    ):
        terminal = start_terminal(ending, job_id)
        admin = "admin/truestep/job/"
        paths = {
            "job page": f"jobs/{job_id}/",
            "list": "",
            "admin": admin,
            "admin's job": f"{admin}{job_id}/change/",
        }
        pages = {name: open_page(browser, url, path) for name, path in paths.items()}
        for page in pages.values():
            page.evaluate(RECORD)
        moves = others.submit(make_moves, job_id, seconds, rate)
        calls = []
        while not moves.done():
            calls.append(others.submit(call_show, job_id).result())
            time.sleep(SHOW_SECONDS)
        pages["job page"].wait_for_selector(".job-head[data-status=failed]")
        time.sleep(1.0)  # for what is still on its way
        views = {name: states_of_page(page) for name, page in pages.items()}
        views["terminal"] = states_on(terminal.replay())
    return moves.result(), views, calls


def views_definition() -> type[JobDefinition]:
    """Steps side by side."""
    body: Any = {name: step(needs=[])(lambda self, run: None) for name in STEPS}
    return type("Views", (JobDefinition,), body)


def start_terminal(ending: ExitStack, job_id: int) -> Terminal:
    """``launch --follow`` of the job in a terminal that shows all of it."""
    settings = os.environ["DJANGO_SETTINGS_MODULE"]
    terminal = Terminal(
        "launch",
        "--follow",
        str(job_id),
        columns=100,
        rows=30,
        DJANGO_SETTINGS_MODULE=settings,
    )
    ending.callback(terminal.end)
    return terminal


def call_show(job_id: int) -> Call:
    """Call ``show --json`` in this process: a new one each time would keep a core busy."""
    began = time.time() * 1000
    answer = StringIO()
    call_command("show", str(job_id), "--json", stdout=answer)
    shown = json.loads(answer.getvalue())
    steps = {step["name"]: step["status"] for step in shown["steps"]}
    return began, time.time() * 1000, steps | {"job": shown["job"]["status"]}


def states_of_page(page: Page) -> States:
    return [(at, json.loads(text)) for at, text in page.evaluate("states")]


def states_on(screens: Iterable[tuple[float, list[str]]]) -> States:
    """The states of the job that these screens of a terminal show."""
    states: States = []
    for at, lines in screens:
        found = [re.search(r"(?:─ |^)\S (\w+) (\w+)(?: #\d+)?\b", line) for line in lines]
        state = {name: status for status, name in (item.groups() for item in found if item)}
        if "views" in state and len(state) == len(STEPS) + 1:
            state["job"] = state.pop("views")
            if not states or states[-1][1] != state:
                states.append((at * 1000, state))
    return states


def make_moves(job_id: int, seconds: float, rate: float) -> States:
    """Be the job's worker; the state after each commit, from just after it on."""
    chance = random.Random(1)
    worker = ManualWorker(views_definition(), slots=SLOTS, only_job=job_id)
    truth: States = [(0.0, state_of(job_id))]
    held: list[Claim] = []
    start = time.perf_counter()
    number = 0
    while time.perf_counter() < start + seconds:
        number += 1
        time.sleep(max(0.0, start + number / rate - time.perf_counter()))
        if len(held) < SLOTS and chance.random() < 0.6 and (claims := worker.claim()):
            held += claims
        elif held:
            verdicts = [Verdict.HANDED_BACK, Verdict.RETURNED, Verdict.FAILED]
            (verdict,) = chance.choices(verdicts, REQUEUED_SUCCEEDED_FAILED)
            worker.end(held.pop(chance.randrange(len(held))), verdict)
        else:
            continue
        truth.append((time.time() * 1000, state_of(job_id)))
    orchestrator.cancel(job_id)
    truth.append((time.time() * 1000, state_of(job_id)))
    for claim in held:
        worker.end(claim, Verdict.FAILED)
        truth.append((time.time() * 1000, state_of(job_id)))
    worker.deregister()
    return truth


def state_of(job_id: int) -> State:
    sql = """
        SELECT name, status FROM truestep_step WHERE job_id = %s
        UNION ALL SELECT 'job', status FROM truestep_job WHERE id = %s
    """
    return dict(database.rows(sql, job_id, job_id))


def draw_moments(truth: States, count: int) -> list[float]:
    chance = random.Random(2)
    return sorted(chance.uniform(truth[1][0], truth[-1][0] + 500) for _ in range(count))


def report(name: str, truth: States, shown: States, moments: list[float]) -> None:
    """Print how old the state is that a view shows, at each moment: 0 when it is the newest."""
    starts = [at for at, _ in shown]
    indexes = [bisect_right(starts, moment) - 1 for moment in moments]
    found = [
        age_of(truth, shown[index][1], moment)
        for index, moment in zip(indexes, moments, strict=True)
        if index >= 0
    ]
    never = found.count(None)
    ages = [age or 0.0 for age in found]
    late = sum(age >= LATE for age in ages)
    print(
        f"{name:12} {len(ages)} moments, {len(shown)} states: median age "
        f"{statistics.median(ages):.0f} ms, p99 {percentile(ages, 99):.0f} ms, "
        f"max {max(ages):.0f} ms, {late} of {LATE:g} ms or more, {never} that never were, "
        f"{steps_back(truth, shown)} steps back"
    )


def age_of(truth: States, shown: State, moment: float) -> float | None:
    """For how many milliseconds *shown* has not been the newest state; None if it never was one."""
    starts = [at for at, _ in truth]
    newest = bisect_right(starts, moment) - 1
    # A view may show what is committed and not noted yet: the next state is as new.
    for index in range(min(newest + 1, len(truth) - 1), -1, -1):
        if matches(shown, truth[index][1]):
            return 0.0 if index >= newest else moment - starts[index + 1]
    return None


def was_true(truth: States, began: float, ended: float, shown: State) -> bool:
    """Whether *shown* was the state at some moment between *began* and *ended*."""
    starts = [at for at, _ in truth]
    first, last = bisect_right(starts, began) - 1, bisect_right(starts, ended)
    return any(matches(shown, state) for _, state in truth[max(first, 0) : last])


def matches(shown: State, true: State) -> bool:
    return all(true.get(name) == status for name, status in shown.items())


def steps_back(truth: States, shown: States) -> int:
    """How often a view showed a state that is older than one it had shown already."""
    reached = back = 0
    for _, state in shown:
        later = (i for i in range(reached, len(truth)) if matches(state, truth[i][1]))
        found = next(later, None)
        if found is None:
            back += 1
        else:
            reached = found
    return back


if __name__ == "__main__":
    main()
