"""The settings that make a commit durable, told by a worker to the client through a file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

QUESTIONS = {
    "postgresql": {
        "fsync": "SELECT current_setting('fsync') AS value",
        "synchronous_commit": "SELECT current_setting('synchronous_commit') AS value",
    },
    "sqlite": {"synchronous": "PRAGMA synchronous", "journal_mode": "PRAGMA journal_mode"},
}[os.environ["PEERS_DATABASE"]]
SYNCHRONOUS = ["OFF", "NORMAL", "FULL", "EXTRA"]  # as SQLite numbers them
FILE = Path(os.environ["PEERS_TOLD"])


def tell(ask: Callable[[str], Any]) -> None:
    """*ask* runs a statement on a connection of the worker and returns its only value."""
    tell_answers({name: ask(statement) for name, statement in QUESTIONS.items()})


def tell_answers(answers: dict[str, Any]) -> None:
    if "synchronous" in answers:
        answers["synchronous"] = SYNCHRONOUS[answers["synchronous"]]
    written = FILE.with_suffix(".written")
    written.write_text(json.dumps(answers))
    written.rename(FILE)


def was_told() -> bool:
    return FILE.exists()


def told() -> dict[str, str]:
    return json.loads(FILE.read_text())
