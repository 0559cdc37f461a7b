"""Make the picture of the README: the real page of a real job, in Chromium.

    .venv/bin/python docs/make_screenshots.py DIRECTORY

DIRECTORY is what repository_report reads; a checkout of many thousand files keeps it busy long
enough to be seen.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        os.environ["DATABASE_URL"] = f"sqlite:///{directory}/pictures.sqlite3"
        manage("migrate", "-v0")
        manage("createsuperuser", "--noinput", "--username=ada", "--email=ada@example.com")
        server = subprocess.Popen(
            [sys.executable, "manage.py", "serve", "--port", "0"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            url = next(line for line in server.stdout if line.startswith("Ready")).split()[1]
            take_pictures(url)
        finally:
            server.terminate()
            server.wait()


def take_pictures(url: str) -> None:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = chromium.new_page(viewport={"width": 1280, "height": 800}, device_scale_factor=1.5)
        page.goto(url)
        page.fill("[name=username]", "ada")
        page.fill("[name=password]", os.environ["DJANGO_SUPERUSER_PASSWORD"])
        page.click("main button")
        job = manage("launch", "repository_report", "--path", sys.argv[1], "--detach").strip()
        page.goto(f"{url}jobs/{job}/")
        expect(page.locator("[data-step=count_lines] progress")).to_be_visible(timeout=30_000)
        expect(page.locator("[data-step=largest_files] [data-line]").nth(4)).to_be_attached()
        page.screenshot(path=ROOT / "docs" / "job-page.png")
        chromium.close()


def manage(*arguments: str) -> str:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SUPERUSER_PASSWORD", "a password for pictures")
    main()
