"""A function of PostgreSQL that writes a document: one round trip, a transaction by itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from .. import database

# Its plans use indexes, as those of the triggers do: a connection keeps the plan that it made
# first, which may have been for a tiny table. What such a plan does without an index counts as very
# expensive: PostgreSQL would compile it, which takes a hundred times as long as to run it.
OPTIONS = "SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET jit = off"


@dataclass(frozen=True)
class Function:
    """Its name has a digest of its text.

    So it is never outdated, and during an upgrade the processes of both releases find theirs.
    """

    purpose: str
    returns: str
    body: str  # in PL/pgSQL; its parameter is called ``batch``

    @cached_property
    def name(self) -> str:
        text = f"{self.returns}{OPTIONS}{self.body}"
        return f"truestep_{self.purpose}_{sha256(text.encode()).hexdigest()[:8]}"

    @property
    def creation(self) -> str:
        """SQL that creates it."""
        return f"""
            CREATE OR REPLACE FUNCTION {self.name}(batch jsonb) RETURNS {self.returns}
            LANGUAGE plpgsql {OPTIONS} AS $truestep${self.body}$truestep$
        """

    def is_there(self) -> bool:
        found = database.rows("SELECT to_regprocedure(%s)", f"{self.name}(jsonb)")
        return found != [(None,)]

    def call(self, *batches: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The rows that it returns for these documents. What is empty in one is left out."""
        documents = [
            {name: value for name, value in batch.items() if value or isinstance(value, str)}
            for batch in batches
        ]
        call = f"SELECT {self.name}(batch) FROM jsonb_array_elements(%s) AS batch"
        return database.select(call, [json.dumps(documents, ensure_ascii=False, default=str)])
