"""What of a job a page shows: which steps, and in which view."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from django.http import QueryDict

from .job_list import step_page_of
from .steps import FIRST_PAGE, StepPage


class View(StrEnum):
    """How a page shows a job's steps: by their list alone, or by another view above it."""

    LIST = "list"
    GRAPH = "graph"  # each step with what it needs
    WATERFALL = "waterfall"  # each attempt on one axis of time


class Shown(NamedTuple):
    """Pages that show the same get the same frames."""

    page: StepPage = FIRST_PAGE
    view: View = View.LIST


LIST = Shown()  # the first steps


def shown_of(query: QueryDict) -> Shown:
    """What ``?from=`` and ``?view=`` ask for. Raises ValueError when one is malformed."""
    try:
        view = View(query.get("view") or View.LIST)
    except ValueError:
        known = ", ".join(View)
        raise ValueError(f"view={query['view']} is not a view of a job: {known}.") from None
    return Shown(step_page_of(query), view)
