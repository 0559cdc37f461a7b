"""What all pages of the admin share: they show rows, and change none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.urls import URLPattern
from django.utils.safestring import SafeString

from .. import database
from ..sight.job_list import PAGE_SIZE
from ..sight.steps import StepRow, rows_of
from ..templatetags.truestep import moment
from .lists import NewestFirst, NewestRows


class ReadOnly:
    """Only the app itself writes rows: no user may add, change or delete one here."""

    moments: ClassVar[dict[str, str]] = {}  # field → the method that shows it with its zone

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """The fields of the model, with moments replaced by the methods that show them."""
        names = super().get_fields(request, obj)  # type: ignore[misc]  # of ModelAdmin
        return [self.moments.get(name, name) for name in names]


class ReadOnlyAdmin(ReadOnly, admin.ModelAdmin):
    """The pages of a model. Its list shows the newest rows first, and sorts by nothing else."""

    sortable_by = ()
    paginator = NewestRows
    list_per_page = PAGE_SIZE
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[NewestFirst]:
        return NewestFirst

    def get_urls(self) -> list[URLPattern]:
        urls: list[URLPattern] = super().get_urls()
        for url in urls:
            database.non_atomic(url.callback)
        return urls


class ReadOnlyRows(BaseInlineFormSet):
    """Rows below a job. Django would make a form for each, although none can be changed."""

    def initial_form_count(self) -> int:
        return 0

    def total_form_count(self) -> int:
        return 0


class ReadOnlySteps(ReadOnlyRows):
    """Steps below a job, each with its error."""

    @property
    def rows(self) -> list[StepRow]:
        return rows_of(list(self.get_queryset()))


def moment_of(name: str) -> Callable[[Any, Model], SafeString | str]:
    """A column for a moment, with its zone; the page's script shows it in the reader's own."""

    @admin.display(description=name.replace("_", " "), ordering=name)
    def column(self: Any, row: Model) -> SafeString | str:
        return moment(getattr(row, name)) or "-"

    return column
