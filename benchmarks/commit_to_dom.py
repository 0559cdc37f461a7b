"""How long from COMMIT in one process to the changed page in a browser?

    .venv/bin/python -m benchmarks.commit_to_dom [--samples 500] [--rate 5] [--pages 1]

A web process serves a job's page to Chromium. Another process claims and ends the job's steps, as a
worker does, --rate times a second, and notes the time after each commit; the page notes the time
at which the step's row has changed. Both read the system's clock.

With --redis, on PostgreSQL: the web processes and the workers have a Redis between them. With
--pages 2: two pages, each with its own web process and its own worker, which makes as many moves.

    pg_virtualenv -t sh -c '
        export DATABASE_URL="postgres://$PGUSER:$PGPASSWORD@$PGHOST:$PGPORT/$PGDATABASE"
        .venv/bin/python -m benchmarks.commit_to_dom --redis'
"""

from __future__ import annotations

import os
from contextlib import ExitStack

from benchmarks import delays
from benchmarks.support import migrate, options, start_redis, start_server, summary


def main() -> None:
    chosen = options(__doc__, samples=500, rate=5.0, pages=1, redis=False)
    with ExitStack() as ending:
        if chosen.redis:
            os.environ["REDIS_URL"] = start_redis(ending)
        migrate()
        urls = [start_server(ending) for _ in range(chosen.pages)]
        for number, times in enumerate(delays.measure(urls, chosen.samples, chosen.rate), 1):
            print(f"page {number}: {len(times)} moves: {summary(times)}")


if __name__ == "__main__":
    main()
