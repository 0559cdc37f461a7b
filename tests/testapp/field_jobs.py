"""Every field and widget of ``django.forms`` in a form whose step hands on what it was given.

But for PasswordInput: what is secret is not handed on.
"""

from __future__ import annotations

import os
import pickle
import random
import time as time_module
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from django import forms
from django.contrib.auth.models import Group
from django.db import models

from jobs.definitions import JobDefinition, step

UNDERSTOOD: list[dict[str, Any]] = []  # what each form of this process understood, in turn
NUMBERS = [(1, "one"), (2, "two"), (3, "three")]
LETTERS = [(letter, letter) for letter in "abc"]


class Colour(models.TextChoices):
    RED = "r"
    GREEN = "g"


class PhoneWidget(forms.MultiWidget):
    def __init__(self) -> None:
        parts = {"country": forms.Select(choices=NUMBERS), "line": forms.TextInput}
        super().__init__(parts | {"is_mobile": forms.CheckboxInput})

    def decompress(self, value):
        return list(value or [None, None, None])


class PhoneField(forms.MultiValueField):
    """Three controls of three kinds, one of them a box."""

    def __init__(self, **options: Any) -> None:
        fields = (
            forms.TypedChoiceField(choices=NUMBERS, coerce=int),
            forms.CharField(),
            forms.BooleanField(required=False),
        )
        super().__init__(fields, widget=PhoneWidget, require_all_fields=False, **options)

    def compress(self, parts):
        return tuple(parts)


def fields(start: dict[str, Any] | None = None) -> dict[str, forms.Field]:
    """Each field by name; *start* gives some their initial value."""
    start = start or {}

    def field(name: str, kind: type[forms.Field], **options: Any) -> forms.Field:
        return kind(initial=start.get(name), **{"required": False} | options)

    dates = forms.SelectDateWidget(years=range(2020, 2040))
    here = str(Path(__file__).parent)
    groups = Group.objects.order_by("-name")
    kinds: dict[str, tuple[type[forms.Field], dict[str, Any]]] = {
        "char": (forms.CharField, {}),
        "char_spaces": (forms.CharField, {"strip": False}),
        "char_none": (forms.CharField, {"empty_value": None}),
        "char_hidden": (forms.CharField, {"widget": forms.HiddenInput}),
        "char_with_hidden_initial": (forms.CharField, {"show_hidden_initial": True}),
        "lines": (forms.CharField, {"widget": forms.Textarea}),
        "regex": (forms.RegexField, {"regex": r"[a-z]+\d"}),
        "email": (forms.EmailField, {}),
        "url": (forms.URLField, {"assume_scheme": "https"}),
        "slug": (forms.SlugField, {}),
        "ip4": (forms.GenericIPAddressField, {"protocol": "IPv4"}),
        "ip6": (forms.GenericIPAddressField, {}),
        "uuid": (forms.UUIDField, {}),
        "combo": (forms.ComboField, {"fields": [forms.CharField(max_length=20)]}),
        "path": (forms.FilePathField, {"path": here, "match": r"jobs\.py$"}),
        "integer": (forms.IntegerField, {}),
        "integer_local": (forms.IntegerField, {"localize": True}),
        "integer_huge": (forms.IntegerField, {}),
        "float": (forms.FloatField, {}),
        "float_local": (forms.FloatField, {"localize": True}),
        "decimal": (forms.DecimalField, {}),
        "decimal_local": (forms.DecimalField, {"localize": True}),
        "yes": (forms.BooleanField, {}),
        "no": (forms.BooleanField, {}),
        "maybe_yes": (forms.NullBooleanField, {}),
        "maybe_no": (forms.NullBooleanField, {}),
        "maybe": (forms.NullBooleanField, {}),
        "day": (forms.DateField, {}),
        "day_local": (forms.DateField, {"localize": True}),
        "day_selected": (forms.DateField, {"widget": dates}),
        "moment": (forms.DateTimeField, {}),
        "moment_exact": (forms.DateTimeField, {}),
        "moment_split": (forms.SplitDateTimeField, {}),
        "moment_hidden": (forms.SplitDateTimeField, {"widget": forms.SplitHiddenDateTimeWidget}),
        "time": (forms.TimeField, {}),
        "time_exact": (forms.TimeField, {}),
        "duration": (forms.DurationField, {}),
        "choice": (forms.ChoiceField, {"choices": LETTERS}),
        "choice_radio": (forms.ChoiceField, {"choices": LETTERS, "widget": forms.RadioSelect}),
        "choice_int": (forms.TypedChoiceField, {"choices": NUMBERS, "coerce": int}),
        "choice_decimal": (
            forms.TypedChoiceField,
            {"choices": [("1.10", "a"), ("2", "b")], "coerce": Decimal},
        ),
        "choice_enum": (forms.TypedChoiceField, {"choices": Colour.choices, "coerce": Colour}),
        "choice_none": (
            forms.TypedChoiceField,
            {"choices": [("", "-"), *NUMBERS], "coerce": int, "empty_value": None},
        ),
        "several": (forms.MultipleChoiceField, {"choices": LETTERS}),
        "several_boxes": (
            forms.MultipleChoiceField,
            {"choices": LETTERS, "widget": forms.CheckboxSelectMultiple},
        ),
        "several_hidden": (
            forms.MultipleChoiceField,
            {"choices": LETTERS, "widget": forms.MultipleHiddenInput},
        ),
        "several_ints": (forms.TypedMultipleChoiceField, {"choices": NUMBERS, "coerce": int}),
        "several_none": (forms.MultipleChoiceField, {"choices": LETTERS}),
        "json_dict": (forms.JSONField, {}),
        "json_text": (forms.JSONField, {}),
        "json_number": (forms.JSONField, {}),
        "group": (forms.ModelChoiceField, {"queryset": groups}),
        "group_named": (forms.ModelChoiceField, {"queryset": groups, "to_field_name": "name"}),
        "group_none": (forms.ModelChoiceField, {"queryset": groups}),
        "groups": (forms.ModelMultipleChoiceField, {"queryset": groups}),
        "groups_boxes": (
            forms.ModelMultipleChoiceField,
            {"queryset": groups, "widget": forms.CheckboxSelectMultiple},
        ),
        "groups_none": (forms.ModelMultipleChoiceField, {"queryset": groups}),
        "phone": (PhoneField, {}),
        "fixed": (forms.IntegerField, {"disabled": True}),
    }
    return {name: field(name, kind, **options) for name, (kind, options) in kinds.items()}


VALUES: dict[str, Any] = {
    "char": "Grüße, 1.234,5",
    "char_spaces": "  a b ",
    "char_none": None,
    "char_hidden": "hidden",
    "char_with_hidden_initial": "text",
    "lines": "one\r\ntwo",
    "regex": "abc1",
    "email": "ada@example.com",
    "url": "https://example.com/a?b=c",
    "slug": "a-slug",
    "ip4": "192.0.2.1",
    "ip6": "2001:db8::1",
    "uuid": UUID("6b1f0d7e-7f40-4a53-9a0c-3d4cbb1c2c11"),
    "combo": "short",
    "path": str(Path(__file__)),
    "integer": -12345,
    "integer_local": 1234567,
    "integer_huge": 2**70,
    "float": 1.5e-10,
    "float_local": 1234.5,
    "decimal": Decimal("1.10"),
    "decimal_local": Decimal("1234567.890"),
    "yes": True,
    "no": False,
    "maybe_yes": True,
    "maybe_no": False,
    "maybe": None,
    "day": date(2026, 2, 1),
    "day_local": date(2026, 2, 1),
    "day_selected": date(2026, 2, 1),
    "moment": datetime(2026, 2, 1, 13, 4, 5),
    "moment_exact": datetime(2026, 2, 1, 13, 4, 5, 678),
    "moment_split": datetime(2026, 7, 1, 13, 4, 5),
    "moment_hidden": datetime(2026, 7, 1, 13, 4, 5),
    "time": time(13, 4, 5),
    "time_exact": time(13, 4, 5, 678),
    "duration": timedelta(days=3, seconds=7, microseconds=5),
    "choice": "b",
    "choice_radio": "b",
    "choice_int": 2,
    "choice_decimal": Decimal("1.10"),
    "choice_enum": Colour.GREEN,
    "choice_none": None,
    "several": ["a", "c"],
    "several_boxes": ["a", "c"],
    "several_hidden": ["a", "c"],
    "several_ints": [1, 3],
    "several_none": [],
    "json_dict": {"a": [1, 2.5, None, {"b": "c"}], "": True},
    "json_text": "text",
    "json_number": 1.25,
    "phone": (2, "555", True),
    "fixed": 7,
}


def before(name: str) -> Any:
    """The initial value of a group, which is a row of the test's own."""

    def look() -> Any:
        rows = Group.objects.filter(name__in=["ada", "eve"]).order_by("-name")
        match name:
            case "group":
                return rows.get(name="eve").pk
            case "group_named":
                return "eve"
            case "groups" | "groups_boxes":
                return list(rows)
        return None

    return look


GROUPS = ("group", "group_named", "group_none", "groups", "groups_boxes", "groups_none")
INITIAL = (
    VALUES
    | {name: before(name) for name in GROUPS}
    | {"moment_exact": VALUES["moment"], "time_exact": VALUES["time"]}
)


class Remembers(forms.Form):
    """Notes what it understood; its ``clean`` never says the same twice."""

    where = forms.CharField()

    def clean(self) -> dict[str, Any]:
        self.cleaned_data["chance"] = random.random()
        UNDERSTOOD.append(dict(self.cleaned_data))
        return self.cleaned_data


class HandsOn(JobDefinition):
    """Writes what its step was given into a file."""

    abstract = True

    @step
    def hand_on(self, run):
        path = Path(run.params["where"])
        path.with_suffix(".part").write_bytes(pickle.dumps(run.params))
        path.with_suffix(".part").rename(path)


class EveryField(HandsOn):
    Params = type("Params", (Remembers,), fields({"fixed": 7}))


class EveryInitial(HandsOn):
    Params = type("Params", (Remembers,), fields(INITIAL) | {"prefix": "p"})


class Editor(forms.Textarea):
    class Media:
        css = {"all": ["editor.css"]}  # noqa: RUF012
        js = ["editor.js"]  # noqa: RUF012


class EveryJson(HandsOn):
    class Params(forms.Form):
        it = forms.JSONField(widget=Editor)


class NeedsAGroup(JobDefinition):
    class Params(forms.Form):
        gate = forms.CharField()
        group = forms.ModelChoiceField(Group.objects.all(), required=False)

    @step
    def waiting(self, run):
        run.log("waiting")
        while not os.path.exists(run.params["gate"]):
            time_module.sleep(0.01)

    @step(retries=3)
    def using(self, run):
        return run.params["group"].name
