"""How late pages show what another process commits. Benchmarks share this."""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor

from benchmarks.support import ManualWorker, chain, chromium, open_page
from jobs import orchestrator

STEPS = 50  # of one job: as many as its page shows in one part
WATCH = """
window.changes = {};
new MutationObserver(() => {
  const now = performance.timeOrigin + performance.now();
  for (const row of document.querySelectorAll('[data-step]'))
    changes[`${row.dataset.step} ${row.dataset.status}`] ??= now;
}).observe(document, {subtree: true, childList: true, attributeFilter: ['data-status']});
"""


def measure(urls: list[str], samples: int, rate: float) -> list[list[float]]:
    """Open a page of each server; for each, the milliseconds from COMMIT to the changed DOM.

    Each page shows its own job, whose steps another process claims and ends *rate* times a second.
    """
    delays: list[list[float]] = [[] for _ in urls]
    context = multiprocessing.get_context("spawn")
    with chromium() as browser, ProcessPoolExecutor(len(urls), context) as movers:
        for begun in range(0, samples, 2 * STEPS):
            steps = min(STEPS, (samples - begun) // 2)
            jobs = [orchestrator.launch(chain("Delays", steps)).pk for _ in urls]
            pages = [
                open_page(browser, url, f"jobs/{job}/") for url, job in zip(urls, jobs, strict=True)
            ]
            for page in pages:
                page.evaluate(WATCH)
            moves = [movers.submit(make_moves, steps, job, rate) for job in jobs]
            for page, move, times in zip(pages, moves, delays, strict=True):
                committed = move.result()
                page.wait_for_selector(f"[data-step=s{steps - 1:04}][data-status=succeeded]")
                changed = page.evaluate("changes")
                times += [_shown(changed, name) - at for name, at in committed.items()]
                page.context.close()
    return delays


def _shown(changed: dict[str, float], name: str) -> float:
    """When the page showed a step's status, or the next one where it was sent both together."""
    return changed.get(name) or changed[name.replace("running", "succeeded")]


def make_moves(steps: int, job_id: int, rate: float) -> dict[str, float]:
    """Be the worker of one job; the time after each commit, in milliseconds since 1970."""
    worker = ManualWorker(chain("Delays", steps), only_job=job_id)
    committed: dict[str, float] = {}
    for _ in range(steps):
        # A late move postpones the others, so that each is seen alone.
        due = time.perf_counter() + 1 / rate
        (held,) = worker.claim()
        committed[f"{held.name} running"] = time.time() * 1000
        time.sleep(max(0.0, due - time.perf_counter()))
        due = time.perf_counter() + 1 / rate
        worker.succeed(held)
        committed[f"{held.name} succeeded"] = time.time() * 1000
        time.sleep(max(0.0, due - time.perf_counter()))
    worker.deregister()
    return committed
