"""Log records as JSON, one object a line, for programs that collect logs."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

IDS = ("job", "step", "attempt")  # what a record concerns, where it concerns an attempt


class JsonFormatter(logging.Formatter):
    """Writes ``time``, ``level``, ``logger`` and ``message``; ``exception`` where there is one.

    A record that concerns an attempt also has ``job`` and ``step``, the numbers of the rows, and
    ``attempt``, counted from 1. A formatter of LOGGING names it as its ``()``.
    """

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in IDS if hasattr(record, name)}
        if record.exc_text:
            line["exception"] = record.exc_text
        elif record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = self.formatStack(record.stack_info)
        return json.dumps(line, default=str)
