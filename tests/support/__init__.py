"""What tests share. Test modules import from here, never from each other.

``waiting``: a condition with a deadline. ``programs``: processes that always end. ``rows``: looking
rows up. ``driving``: jobs that run. The common names of these four are here, too.
"""

from tests.support.driving import drive, ended, finished, register_worker, returned, running
from tests.support.programs import Program, program, runs, stop_process, wait_until_gone
from tests.support.rows import (
    Cost,
    Instructions,
    drop_trigger,
    error_of,
    job_of,
    journal,
    log_of,
    number_rows_from,
    rows,
    rows_as_they_lie,
    statuses,
    step_of,
    verdicts,
)
from tests.support.waiting import ROOT, at_length, in_threads, wait_for

__all__ = [
    "ROOT",
    "Cost",
    "Instructions",
    "Program",
    "at_length",
    "drive",
    "drop_trigger",
    "ended",
    "error_of",
    "finished",
    "in_threads",
    "job_of",
    "journal",
    "log_of",
    "number_rows_from",
    "program",
    "register_worker",
    "returned",
    "rows",
    "rows_as_they_lie",
    "running",
    "runs",
    "statuses",
    "step_of",
    "stop_process",
    "verdicts",
    "wait_for",
    "wait_until_gone",
]
