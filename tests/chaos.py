"""Run many jobs while whatever runs them is killed and frozen; then everything must add up.

    python -m tests.chaos --jobs 60 --kills 15 --seed 1 --pages 2
    python -m tests.chaos --jobs 1000 --kills 300 --seed 7 --pages 4 --database postgresql

The database is a throw-away one: a file, or a PostgreSQL server of its own. All that happens, and
when, comes from the seed. Exit code 0: nothing was lost, done twice, stuck or left behind, the
journal adds up, and open pages showed what the rows are. Otherwise 1, with a line for each fault.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command

from tests.faults.postgresql import PostgreSQL

# Jobs by kind, weighed, and how each ends without a cancel.
KINDS = {
    "chaos_chain": (30, "succeeded"),
    "chaos_diamond": (25, "succeeded"),
    "chaos_flaky": (12, "succeeded"),
    "chaos_fails": (15, "failed"),
    "chaos_chatty": (8, "succeeded"),
    "chaos_watches": (5, "succeeded"),
    "chaos_long": (5, "succeeded"),
}
KILLS = {  # what is killed, weighed
    "worker": 50,
    "fork server": 8,
    "slot": 12,
    "web": 15,
    "web server": 15,
    "postgresql": 8,
    "postgresql session": 4,
}


@dataclass(frozen=True, order=True)
class Event:
    at: float  # seconds after the beginning
    what: str
    detail: str = ""
    chance: float = 0.0  # chooses among what there is at that moment


def plan(seed: int, jobs: int, kills: int, pace: float, on_postgresql: bool) -> list[Event]:
    """Everything that is going to happen. Equal arguments give equal plans."""
    dice = random.Random(seed)
    end = kills * pace
    targets = {what: w for what, w in KILLS.items() if on_postgresql or "postgres" not in what}
    events = [
        *(Event(dice.uniform(0, end), "launch", _one_of(dice, KINDS)) for _ in range(jobs)),
        *(
            Event(dice.uniform(0, end), "kill", dice.choices([*targets], [*targets.values()])[0])
            for _ in range(kills)
        ),
        *(
            Event(dice.uniform(0, end), "freeze", dice.choice(("worker", "worker and steps")))
            for _ in range(max(1, kills // 8))
        ),
        *(Event(dice.uniform(0, end), "cancel") for _ in range(jobs // 8)),
        *(Event(dice.uniform(0, end), "retry") for _ in range(jobs // 8)),
    ]
    return sorted(Event(e.at, e.what, e.detail, dice.random()) for e in sorted(events))


def _one_of(dice: random.Random, kinds: dict[str, tuple[int, str]]) -> str:
    return dice.choices([*kinds], [weight for weight, _ in kinds.values()])[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=60)
    parser.add_argument("--kills", type=int, default=15)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--pages", type=int, default=0, help="Open pages in a headless Chromium.")
    parser.add_argument("--pace", type=float, default=1.2, help="Seconds from kill to kill.")
    url = os.environ.get("DATABASE_URL", "")
    parser.add_argument(
        "--database",
        choices=("sqlite", "postgresql"),
        default="postgresql" if url.startswith("postgres") else "sqlite",
        help="What kind; it is made for this run. Default: the kind that DATABASE_URL names.",
    )
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, interrupted)
    say(f"seed {options.seed}, {options.database}")
    with ExitStack() as stack:
        directory = Path(tempfile.mkdtemp(prefix="truestep-chaos-"))
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        server = prepare(directory, options.database, stack)
        from tests.faults.chaos_run import ChaosRun

        chaos_run = ChaosRun(directory, server, say)
        stack.callback(chaos_run.end)
        if options.pages:
            chaos_run.open_pages(options.pages, stack)
        events = plan(options.seed, options.jobs, options.kills, options.pace, server is not None)
        chaos_run.carry_out(events)
        faults = [*chaos_run.problems()]
    for fault in faults:
        say(f"FAULT: {fault}")
    say(f"seed {options.seed}: " + (f"{len(faults)} faults" if faults else "all holds"))
    return 1 if faults else 0


def prepare(directory: Path, kind: str, stack: ExitStack) -> Any:
    """Make the database, and point this process and its children to it."""
    os.environ |= {
        "TRUESTEP_TEST_DIR": str(directory),
        "DJANGO_SETTINGS_MODULE": "tests.faults.chaos_settings",
        "DJANGO_ALLOW_ASYNC_UNSAFE": "1",  # Playwright keeps a loop running in this thread
    }
    for name in ("PYTEST_XDIST_WORKER", "DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    server = None
    if kind == "postgresql":
        server = PostgreSQL(directory)
        stack.callback(server.stop)
        os.environ["DATABASE_URL"] = server.url
    django.setup()
    from jobs import database

    call_command("migrate", verbosity=0)
    # A worker that is frozen while it writes keeps all others waiting, until this process thaws it.
    database.set_lock_timeout(0.5)
    return server


def interrupted(number: int, frame: Any) -> None:
    traceback.print_stack(frame)
    sys.exit(f"interrupted at {time.monotonic() - BEGAN:.0f} s")


def say(text: str) -> None:
    print(f"{time.monotonic() - BEGAN:7.2f}  {text}", flush=True)


BEGAN = time.monotonic()


if __name__ == "__main__":
    sys.exit(main())
