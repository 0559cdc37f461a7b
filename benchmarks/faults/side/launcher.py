"""Keeps so many jobs unfinished, until SIGTERM: ``python launcher.py UNFINISHED FILE``.

Each job whose launch returned is a line of the file: these must not be lost.
"""

from __future__ import annotations

import signal
import sys
import threading

import django
from django.db import connection

PAUSE_SECONDS = 0.05
over = threading.Event()


def main(wanted: int, path: str) -> None:
    django.setup()
    from jobs import database
    from jobs.models import Job
    from jobs.orchestrator import launch_many
    from jobs.statuses import UNFINISHED

    signal.signal(signal.SIGTERM, lambda *_: over.set())
    with open(path, "a") as launched:
        while not over.wait(PAUSE_SECONDS):
            try:
                missing = wanted - Job.objects.filter(status__in=UNFINISHED).count()
                jobs = launch_many("five_steps", [{}] * missing) if missing > 0 else []
            except database.DATABASE_ERRORS:
                connection.close()
                continue
            launched.writelines(f"{job.pk}\n" for job in jobs)
            launched.flush()


main(int(sys.argv[1]), sys.argv[2])
