"""The faults: each function makes one, and returns when it is over."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil

from .site import MINE, Layout, Site, wait_until

ENGINES = ("embedded", "celery")
BACK_SECONDS = 60.0
AGAIN_AND_AGAIN = 10  # times, one a second
OFF_SECONDS = 60.0
OVER_LEASE = 5.0  # seconds that a frozen worker stays so after its lease


@dataclass(frozen=True)
class Cell:
    key: str
    name: str
    fault: Callable[[Site], None]
    engines: tuple[str, ...] = ENGINES
    layout: Layout = field(default_factory=Layout)
    left: float = 1.0  # the part of the capacity that the fault leaves
    notices: Callable[[Site], float] = lambda site: 0.0  # seconds until others may take over


def postgresql_restarted(site: Site) -> None:
    site.postgresql.restart()
    wait_until(site.postgresql.accepts, BACK_SECONDS)


def sessions_ended(site: Site) -> None:
    """All sessions but those of the benchmark itself."""
    with site.connect("postgres") as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND application_name <> %s",
            [MINE],
        )


def sessions_ended_again(site: Site) -> None:
    for _ in range(AGAIN_AND_AGAIN):
        began = time.monotonic()
        sessions_ended(site)
        time.sleep(max(0.0, began + 1 - time.monotonic()))


def broker_restarted(site: Site) -> None:
    assert site.broker
    site.broker.stop()
    site.broker.start()


def broker_emptied(site: Site) -> None:
    assert site.broker
    site.broker.command("FLUSHALL")


def broker_off(site: Site) -> None:
    assert site.broker
    site.broker.stop()
    time.sleep(OFF_SECONDS)
    site.broker.start()


def layer_failed_over(site: Site) -> None:
    assert site.layer
    site.layer.fail_over()


def pooler_restarted(site: Site) -> None:
    assert site.pooler
    site.pooler.stop()
    site.pooler.start()


def worker_frozen(site: Site) -> None:
    family = site.workers[0].family()
    for process in family:
        _try(process.suspend)
    time.sleep(site.lease + OVER_LEASE)
    for process in family:
        _try(process.resume)


def host_gone(site: Site) -> None:
    """Its worker with everything below it and its run directory, at once."""
    gone = site.workers[0]
    for process in gone.family():
        _try(process.kill)
    site.forget_host(gone.host)


def _try(act: Callable[[], None]) -> None:
    try:
        act()
    except psutil.NoSuchProcess:  # it has just ended
        return


def _lease(site: Site) -> float:
    return site.lease


CELERY = ("celery",)
PLAIN, POOLER, SENTINEL = Layout(), Layout(pooler=True), Layout(sentinel=True)
TWO_HOSTS = Layout(hosts=2)
CELLS = (
    Cell("postgresql", "PostgreSQL ended without a checkpoint, restarted", postgresql_restarted),
    Cell("sessions", "all sessions of PostgreSQL ended once", sessions_ended),
    Cell("sessions-10", "… each second for 10 s", sessions_ended_again),
    Cell("broker", "broker killed, restarted", broker_restarted, CELERY),
    Cell("broker-empty", "broker emptied", broker_emptied, CELERY),
    Cell("broker-off", f"broker off for {OFF_SECONDS:.0f} s", broker_off, CELERY),
    Cell("frozen", "one of two workers frozen, lease + 5 s", worker_frozen, left=0.5),
    Cell("pooler", "PgBouncer killed, restarted", pooler_restarted, layout=POOLER),
    Cell("layer", "channel layer failed over", layer_failed_over, layout=SENTINEL),
    Cell("host", "one of two hosts gone", host_gone, layout=TWO_HOSTS, left=0.5, notices=_lease),
)
# What the same servers and workers do without a fault, in the same round.
CONTROLS = tuple(
    Cell(f"no-fault-{number}", f"no fault{where}", lambda site: None, layout=layout)
    for number, (layout, where) in enumerate(
        {
            PLAIN: "",
            POOLER: ", with PgBouncer",
            SENTINEL: ", with Redis and Sentinel",
            TWO_HOSTS: ", on two hosts",
        }.items()
    )
)
