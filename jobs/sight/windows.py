"""What a page can ask to watch."""

from __future__ import annotations

from django.http import QueryDict

from .fleet import FleetWindow
from .job_list import IdWindow, ListWindow

Window = ListWindow | IdWindow | FleetWindow


def window_of(query: QueryDict) -> Window:
    """What a page asks to watch. Raises ValueError when the query is malformed."""
    if "fleet" in query:
        return FleetWindow()
    return IdWindow.of(query) if "ids" in query else ListWindow.of(query)
