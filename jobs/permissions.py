"""What a user may do: the words that pages use, and Django's permission behind each."""

from __future__ import annotations

from typing import Any

VIEW = "view"  # the jobs and their history
LAUNCH = "launch"
CONTROL = "control"  # cancel and retry
LOG = "log"  # read what steps have logged
STACK = "stack"  # see where running steps are
QUEUES = "queues"  # pause and resume one
WORKERS = "workers"  # drain and stop one

NAMES = {
    VIEW: "truestep.view_job",
    LAUNCH: "truestep.launch_job",
    CONTROL: "truestep.control_job",
    LOG: "truestep.view_log",
    STACK: "truestep.view_stack",
    QUEUES: "truestep.control_queue",
    WORKERS: "truestep.control_worker",
}


def may(user: Any, what: str) -> bool:
    """Whether a user has the permission."""
    return bool(user.has_perm(NAMES[what]))


def all_of(user: Any) -> list[str]:
    """Everything that a user may do."""
    return [what for what in NAMES if may(user, what)]
