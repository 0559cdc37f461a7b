"""Open pages in a headless Chromium that is never reloaded, compared with the rows."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Error, sync_playwright

from jobs import database
from jobs.models import Job
from tests.browser.support import SWITCHES, shown_by_page

LOOK_SECONDS = 0.5  # between two looks at a page
OPEN_SECONDS = 15.0  # for a page to be live once; else it is opened again
AGREE_SECONDS = 60.0  # for a page to show a finished job as it is: its server may just be away


class Watchers:
    """*count* pages: the list, and jobs that are moving."""

    def __init__(self, url: str, count: int) -> None:
        self._playwright = sync_playwright().start()
        path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))))
        self._browser = self._playwright.chromium.launch(executable_path=path, args=SWITCHES)
        client = Client()
        client.force_login(User.objects.create_superuser("chaos"))
        cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value}
        context = self._browser.new_context()
        context.add_cookies([cookie | {"domain": "127.0.0.1", "path": "/"}])
        kinds = [ListPage, *[JobPage] * (count - 1)]
        self.pages = [kind(context.new_page(), url) for kind in kinds[:count]]

    def __enter__(self) -> Watchers:
        return self

    def __exit__(self, *exception: Any) -> None:
        self._browser.close()
        self._playwright.stop()


class WatchedPage:
    def __init__(self, tab: Any, url: str) -> None:
        self._tab = tab
        self._url = url
        self._look_at = 0.0
        self._opened_at = 0.0
        self._was_live = False
        self.compared = 0  # times that the page was found to agree with the rows
        self.faults: list[str] = []

    def tend(self, launched: list[int]) -> None:
        """Look at the page, if it is time: open it, wait for it to be live, compare it."""
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_SECONDS
        with suppress(Error, *database.DATABASE_ERRORS):
            if self._was_live:
                self._watch(launched)
            elif self._opened_at and now < self._opened_at + OPEN_SECONDS:
                self._was_live = self._state() == "live"
            elif path := self._choose(launched):
                self._opened_at = now
                self._tab.goto(f"{self._url}{path}", wait_until="commit", timeout=3000)

    def differences(self, tend: Callable[[], None]) -> Iterator[str]:
        """At the end: does the page come to agree, untouched?"""
        deadline = time.monotonic() + AGREE_SECONDS
        problem = "was never live"
        while time.monotonic() < deadline:
            tend()
            with suppress(Error, *database.DATABASE_ERRORS):
                if self._was_live and not (problem := self._difference()):
                    self.compared += 1
                    break
            time.sleep(0.1)
        yield from self.faults
        if problem:
            yield f"page {self._tab.url}: {problem}"

    def _state(self) -> str:
        return str(self._tab.evaluate("document.body?.dataset.live"))

    def _choose(self, launched: list[int]) -> str:
        """The path of the page that is opened next; empty for none."""
        raise NotImplementedError

    def _watch(self, launched: list[int]) -> None:
        """Called while the page is open and has been live."""

    def _difference(self) -> str:
        """How the page differs from the rows; empty when it does not."""
        raise NotImplementedError


class ListPage(WatchedPage):
    def _choose(self, launched: list[int]) -> str:
        return "/"

    def _difference(self) -> str:
        rows = self._tab.locator("tr[data-job]").evaluate_all(
            "rows => rows.map(row => [Number(row.dataset.job), row.dataset.status,"
            " row.querySelector('.status').textContent, Number(row.dataset.seq)])"
        )
        jobs = Job.objects.order_by("-pk")[: len(rows) or 1]
        output = [[job.pk, job.status, job.status, job.seq] for job in jobs]
        if self._state() != "live":
            return f"it is {self._state()}"
        return "" if rows == output else f"it shows {rows}, the rows are {output}"


class JobPage(WatchedPage):
    """Watches a new job whenever it has seen another one to its end."""

    _job: int | None = None
    _finished_at: float | None = None

    def _choose(self, launched: list[int]) -> str:
        if launched and self._job != launched[-1]:
            self._job = launched[-1]
        return f"/jobs/{self._job}/" if self._job else ""

    def _watch(self, launched: list[int]) -> None:
        if not Job.objects.get(pk=self._job).is_finished:
            self._finished_at = None  # a retry may have started it again
            return
        now = time.monotonic()
        self._finished_at = self._finished_at or now
        problem = self._difference()
        if problem and now < self._finished_at + AGREE_SECONDS:
            return
        if problem:
            self.faults.append(f"page {self._tab.url}: {problem}")
        if launched[-1] != self._job:
            self.compared += not problem
            self._was_live, self._opened_at, self._finished_at = False, 0.0, None

    def _difference(self) -> str:
        shown = shown_by_page(self._tab)
        job = Job.objects.get(pk=self._job)
        last = shown["journal"][-1] if shown["journal"] else 0
        first = shown["journal"][0] if shown["journal"] else 1  # older entries are on other pages
        steps = job.steps.order_by("position").values_list("name", "status", "seq", "attempt")
        output = {
            "status": job.status,
            "seq": job.seq,
            "steps": [
                dict(
                    zip(("name", "status", "seq", "attempt", "shown"), (*row, row[1]), strict=True)
                )
                for row in steps
            ],
            "journal": list(range(first, job.seq + 1)),
        }
        if self._state() != "live":
            return f"it is {self._state()}"
        return (
            ""
            if shown == output and last == job.seq
            else f"it shows {shown}, the rows are {output}"
        )
