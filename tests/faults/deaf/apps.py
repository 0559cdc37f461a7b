from __future__ import annotations

import math

from django.apps import AppConfig

from jobs.database.commits import CommitWatch


class DeafConfig(AppConfig):
    name = "tests.faults.deaf"
    label = "deaf"

    def ready(self) -> None:
        from jobs.engines import embedded

        embedded.watch_commits = lambda of_work: Deaf(wake_ups=50)


class Deaf(CommitWatch):
    def _read_reports(self) -> None:
        self._due = math.inf

    def _look(self) -> bool:
        self._due = math.inf
        return False
