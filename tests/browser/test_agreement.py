"""Page, admin, terminal and ``show --json`` tell the same about a job on real input."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from jobs.models import Job
from tests.browser.support import lines_shown, look_at, shown_by_command, shown_by_page
from tests.support import ROOT

SIGNS = {"✔": "succeeded", "✘": "failed", "↷": "skipped", "■": "cancelled"}


@pytest.mark.both
def test_all_agree_on_a_report_about_a_checkout(page, web):
    reported = subprocess.run(
        [sys.executable, "manage.py", "launch", "repository_report", "--path", str(ROOT)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert reported.returncode == 0, reported.stderr
    job = Job.objects.get()
    shown = shown_by_command(job)
    steps = {row["name"]: row["status"] for row in shown["steps"]}

    assert shown_by_terminal(reported.stdout) == steps | {f"job {job.pk}": shown["status"]}

    look_at(page, web, job)
    assert shown_by_page(page) == shown
    report = page.locator("[data-step=write_report]")
    report.locator("summary").click()
    lines = json.loads(
        subprocess.run(
            [sys.executable, "manage.py", "show", str(job.pk), "--json"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
    )["steps"][-1]["log_lines"]
    expect(report.locator("[data-line]")).to_have_count(lines)
    assert lines_shown(page, "write_report") == list(range(1, lines + 1))

    page.goto(f"{web.url}/admin/truestep/job/{job.pk}/change/")
    assert shown_by_admin(page) == steps | {f"job {job.pk}": shown["status"]}


def shown_by_terminal(output: str) -> dict[str, str]:
    """The last status that the terminal showed for each step and for the job."""
    lines = re.findall(r"^\S+ ([✔✘↷■]) (job \d+|\w+)", output, re.MULTILINE)
    return {name: SIGNS[sign] for sign, name in lines}


def shown_by_admin(page) -> dict[str, str]:
    """The status cells of the admin's page of a job."""
    cells = page.locator("[data-status]").evaluate_all(
        "cells => cells.map(cell => [cell.dataset.step ?? 'job ' + cell.dataset.job,"
        " cell.textContent])"
    )
    return dict(cells)
