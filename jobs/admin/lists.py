"""What keeps the admin's lists quick, however many rows there are.

A list holds the newest rows that its filters leave, by primary key. Filters have fixed choices, and
each, or pair of them, has an index in the list's order. Nothing counts or compares all rows of a
table.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from .. import definitions
from ..sight.totals import MOST_COUNTED
from ..statuses import Kind, Status

MOST_LISTED = MOST_COUNTED  # rows on all pages of a list together


class NewestRows(Paginator):
    """Pages of the newest MOST_LISTED rows."""

    @cached_property
    def count(self) -> int:
        return min(self._found, MOST_LISTED)

    @property
    def has_older(self) -> bool:
        """Whether there are rows that no page shows."""
        return self._found > MOST_LISTED

    @cached_property
    def _found(self) -> int:
        rows: Any = self.object_list
        found: int = rows[: MOST_LISTED + 1].count()
        return found


class NewestFirst(ChangeList):
    """A list in one order, whatever its address asks for: in any other it would be sorted whole."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Model]) -> list[Any]:
        return ["-pk"]

    def get_results(self, request: HttpRequest) -> None:
        """The rows of a page, by their keys.

        The keys come from an index alone, so that the rows of all pages before are counted off and
        not read. Then the filters are left out: they might lead PostgreSQL to another index.
        """
        super().get_results(request)
        shown: Any = self.result_list
        rows = self.apply_select_related(self.root_queryset).order_by("-pk")
        self.result_list = rows.filter(pk__in=list(shown.values_list("pk", flat=True)))


class DefinitionFilter(admin.SimpleListFilter):
    """Jobs of one definition, of those that are installed now."""

    title = "definition"
    parameter_name = "definition"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, str]]:
        return [(name, name) for name in definitions.registered()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        name = self.value()
        return queryset.filter(definition=name) if name else queryset


class EntryFilter(admin.SimpleListFilter):
    """Journal entries of one kind; of moves, those to one status."""

    title = "kind"
    parameter_name = "what"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[str, str]]:
        kinds = [(str(kind), str(kind)) for kind in Kind if kind != Kind.MOVE]
        return kinds + [(str(status), f"{Kind.MOVE} to {status}") for status in Status]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> QuerySet[Model]:
        chosen = self.value()
        if chosen in (Kind.BIRTH, Kind.REQUEST, Kind.NOTE):
            return queryset.filter(
                kind=chosen, to_status=Status.PENDING if chosen == Kind.BIRTH else ""
            )
        return queryset.filter(kind=Kind.MOVE, to_status=chosen) if chosen else queryset
