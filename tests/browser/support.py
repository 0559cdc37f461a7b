"""What browser tests share: opening a job's page, and comparing it with the database."""

from __future__ import annotations

import json
import subprocess
import sys

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from jobs.models import Job
from tests.support import ROOT, wait_for

SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# The page's own sockets, with `meet(text, deliver)` between each frame and the page. It is in the
# page because a test that waits for something else would hold up every frame.
BETWEEN = """
(() => {
  const Plain = WebSocket;
  const meet = MEET;
  window.lost = [];
  window.WebSocket = class extends Plain {
    constructor(url) {
      super(url);
      window.socket = this;
      this.addEventListener('message', ({data}) => meet(data, (text) => this.deliver(text)));
    }
    set onmessage(hear) { this.hear = hear; }
    deliver(text) { this.hear({data: text}); }
  };
})();
"""


def tamper(page: Page, meet: str) -> None:
    """Let the frames of pages opened from now on meet with this JavaScript function."""
    page.add_init_script(BETWEEN.replace("MEET", meet))


def look_at(page: Page, site, job: Job) -> None:
    """Open the job's page and wait until it is live."""
    page.goto(f"{site.url}/jobs/{job.pk}/")
    expect(page.locator("body")).to_have_attribute("data-live", "live")


def open_view(page: Page, site, job: Job, view: str = "graph") -> None:
    """Open a view of the job and wait until it is live."""
    page.goto(f"{site.url}/jobs/{job.pk}/?view={view}")
    expect(page.locator("body")).to_have_attribute("data-live", "live")


def step(page: Page, name: str):
    return page.locator(f"[data-step={name}]")


def open_log(page: Page, name: str) -> None:
    """Open the log of a step that has ended: it is open already when the page saw the step run."""
    log = step(page, name).locator("details.log")
    if log.get_attribute("open") is None:
        log.locator("summary").click()


def launched(*arguments: str) -> Job:
    """A job that a second process has launched."""
    command = [sys.executable, str(ROOT / "manage.py"), "launch", "--detach", *arguments]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    return Job.objects.get(pk=int(answer.stdout))


def shown_by_page(page: Page) -> dict:
    """Job, steps and journal as the page has them."""
    return page.evaluate(
        """() => {
          const job = document.querySelector('[data-job]').dataset;
          const steps = [...document.querySelectorAll('[data-step]')].map(row => ({
            name: row.dataset.step, status: row.dataset.status, seq: Number(row.dataset.seq),
            attempt: Number(row.dataset.attempt), shown: row.querySelector('.status').textContent,
          }));
          const entries = [...document.querySelectorAll('.entry')];
          const journal = entries.map(row => Number(row.dataset.seq));
          return {status: job.status, seq: Number(job.seq), steps, journal};
        }"""
    )


def shown_by_command(job: Job) -> dict:
    """The same as ``show --json`` has it."""
    command = [sys.executable, str(ROOT / "manage.py"), "show", str(job.pk), "--json"]
    shown = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return {
        "status": shown["job"]["status"],
        "seq": shown["job"]["seq"],
        "steps": [
            {key: row[key] for key in ("name", "status", "seq", "attempt")}
            | {"shown": row["status"]}
            for row in shown["steps"]
        ],
        "journal": [entry["seq"] for entry in shown["journal"]],
    }


def wait_until_finished(job: Job, seconds: float = 30) -> None:
    wait_for(lambda: Job.objects.get(pk=job.pk).is_finished, seconds, f"{job} to finish")


def statuses_seen(page: Page, name: str) -> list[str]:
    """Every status that the page has shown of one row ('job' for the job's), in order."""
    return [status for row, status, *_ in page.evaluate("seen") if row == name]


def shown_at(page: Page, name: str, status: str) -> float:
    """When the page first showed this status of the row ('job': the job's), in s since 1970."""
    row = page.locator("[data-job]") if name == "job" else step(page, name)
    expect(row).to_have_attribute("data-status", status)
    return next(at for *seen, at in page.evaluate("seen") if seen == [name, status])


def lines_shown(page: Page, name: str) -> list[int]:
    return page.locator(f"[data-step={name}] [data-line]").evaluate_all(
        "lines => lines.map(line => Number(line.dataset.line))"
    )


def serious(page: Page) -> list[str]:
    """What axe finds that keeps people from using the page."""
    found = Axe().run(page).response["violations"]
    return [
        f"{rule['id']}: {rule['help']}: {[node['html'][:120] for node in rule['nodes'][:3]]}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
    ]
