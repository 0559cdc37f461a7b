"""Make the pictures of the documentation: the real pages of real jobs, in Chromium.

    .venv/bin/python docs/make_screenshots.py

The report is on the virtualenv, whose thousands of files keep it busy long enough to be seen. One
picture is of a job that the project does not have: docs/trouble/jobs.py.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        os.environ["DATABASE_URL"] = f"sqlite:///{directory}/pictures.sqlite3"
        os.environ |= {
            "PYTHONPATH": str(ROOT / "docs"),
            "DJANGO_SETTINGS_MODULE": "trouble.settings",
        }
        manage("migrate", "-v0")
        manage("createsuperuser", "--noinput", "--username=ada", "--email=ada@example.com")
        with running("serve", "--no-worker", "--port", "0") as server:
            url = next(line for line in server.stdout if line.startswith("Ready")).split()[1]
            take_pictures(url)


def take_pictures(url: str) -> None:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = chromium.new_page(viewport={"width": 1280, "height": 800}, device_scale_factor=1.5)
        page.goto(url)
        take(page, "login")
        page.fill("[name=username]", "ada")
        page.fill("[name=password]", os.environ["DJANGO_SUPERUSER_PASSWORD"])
        page.click("main button")
        page.goto(url)
        take(page, "empty")
        launch("run_command", "--command", "python3 --version")
        failed = launch("run_command", "--command", "python3 no-such-program.py")
        report = launch("repository_report", "--path", str(ROOT / ".venv"))
        page.goto(f"{url}jobs/{report}/")
        expect(page.locator("body")).to_have_attribute("data-live", "live")
        with running("worker"):
            expect(page.locator("[data-step=count_lines] progress")).to_be_visible(timeout=30_000)
            expect(page.locator("[data-step=list_files] [data-line]").first).to_be_visible()
            page.screenshot(path=ROOT / "docs" / "job-page.png")
            page.goto(f"{url}jobs/{failed}/")
            expect(page.locator(".job-head")).to_have_attribute("data-status", "failed")
            take(page, "failed")
            for name, path in (("list", ""), ("launch", "launch/repository_report/")):
                page.goto(url + path)
                take(page, name)
            page.goto(f"{url}jobs/{report}/")
            head = page.locator(".job-head")
            expect(head).to_have_attribute("data-status", "succeeded", timeout=60_000)
            take(page, "job")
        take_trouble(page, url)
        chromium.close()


def take_trouble(page: Page, url: str) -> None:
    """A job with attempts, a rest, and a worker that is frozen while it runs a step."""
    trouble = launch("night_shift", "--export", "exports/2026-11-24.csv")
    page.goto(f"{url}jobs/{trouble}/")
    expect(page.locator("body")).to_have_attribute("data-live", "live")
    with running("worker") as worker:
        try:
            expect(page.locator("[data-step=publish] .reason")).to_contain_text(
                "attempt 2 of", timeout=60_000
            )
            expect(page.locator("[data-step=load]")).to_have_attribute(
                "data-attempt", "3", timeout=60_000
            )
            worker.send_signal(signal.SIGSTOP)
            expect(page.locator("[data-step=load] .warning")).to_be_visible(timeout=60_000)
            take(page, "trouble")
        finally:
            worker.send_signal(signal.SIGCONT)
        page.get_by_role("button", name="Cancel this job").click()
        head = page.locator(".job-head")
        expect(head).to_have_attribute("data-status", "failed", timeout=60_000)
        take(page, "retry")
    page.goto(f"{url}launch/night_shift/?again={trouble}")
    take(page, "again")


def take(page: Page, name: str) -> None:
    """The page as a phone and a desk show it, light and dark."""
    if page.locator("[data-socket]").count():
        expect(page.locator("body")).to_have_attribute("data-live", "live")
    before = page.viewport_size
    for width, height in ((360, 740), (1440, 900)):
        page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=PICTURES / f"{name}-{width}-{scheme}.png", scale="css")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(before)


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "manage.py", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def launch(*arguments: str) -> str:
    return manage("launch", *arguments, "--detach").strip()


def manage(*arguments: str) -> str:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SUPERUSER_PASSWORD", "a password for pictures")
    main()
