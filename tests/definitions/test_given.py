"""What is given to a form, and what it refuses."""

from __future__ import annotations

import ipaddress
import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django import forms
from django.http import QueryDict
from django.test import override_settings
from django.utils import timezone

from jobs.definitions import JobDefinition, parameters, step
from jobs.definitions.parameters import FromCommand
from jobs.exceptions import InvalidParams
from jobs.orchestrator import launch
from tests.definitions.ways import BERLIN, LATE, errors, understood
from tests.support import job_of, rows
from tests.support.values import is_same
from tests.testapp.field_jobs import Colour


def test_a_given_value_replaces_the_initial_one():
    fields = {
        "flag": forms.BooleanField(initial=True, required=False),
        "text": forms.CharField(initial="start", required=False),
        "several": forms.MultipleChoiceField(
            choices=[("a", "a")], initial=lambda: ["a"], required=False
        ),
    }
    empty = {"flag": False, "text": "", "several": []}
    assert understood({}, **fields) == {"flag": True, "text": "start", "several": ["a"]}
    assert understood({"flag": False, "text": None, "several": ()}, **fields) == empty
    assert understood(FromCommand(flag=[], text=[""], several=[]), **fields) == empty
    assert understood(QueryDict(""), **fields) == empty


def test_a_file_field_that_the_form_adds_itself_is_refused() -> None:
    class Params(forms.Form):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            self.fields["upload"] = forms.FileField(required=False)

    trial = type("Trial", (JobDefinition,), {"abstract": True, "Params": Params})
    for given in ({}, QueryDict(""), FromCommand()):
        with pytest.raises(InvalidParams, match="upload: This is a file field"):
            trial.understand(given)


def test_one_of_several_controls_may_be_left_to_its_initial_value():
    start = datetime(2026, 1, 2, 3, 4)
    given = FromCommand(at_1=["05:06"])
    with override_settings(USE_TZ=False):
        got = understood(given, at=forms.SplitDateTimeField(initial=start))
    assert got == {"at": datetime(2026, 1, 2, 5, 6)}


@pytest.mark.parametrize(
    ("field", "value", "got"),
    [
        (forms.CharField(), 12, "12"),
        (forms.CharField(), Path("/tmp"), "/tmp"),
        (forms.CharField(), Colour.RED, "r"),
        (forms.GenericIPAddressField(), ipaddress.ip_address("::1"), "::1"),
        (forms.UUIDField(), UUID(int=5), UUID(int=5)),
        (forms.DecimalField(localize=True), Decimal("1234.5"), Decimal("1234.5")),
        (forms.ChoiceField(choices=[(1, "one")]), 1, "1"),
        (forms.MultipleChoiceField(choices=[("a", "a")]), {"a"}, ["a"]),
        (forms.DateTimeField(), LATE, LATE),
        (forms.JSONField(), ["a"], ["a"]),
        (forms.NullBooleanField(), None, None),
    ],
    ids=lambda each: type(each).__name__,
)
@pytest.mark.parametrize("language", ["en", "de"])
def test_a_python_value_is_kept_unchanged(field, value, got, language):
    with override_settings(LANGUAGE_CODE=language, USE_THOUSAND_SEPARATOR=True):
        assert is_same(understood({"it": value}, it=field)["it"], got)


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        (forms.CharField(), ["a"], "This takes text, not a value of type list"),
        (forms.CharField(), b"a", "This takes no bytes; decode them first"),
        (forms.BooleanField(), "no", "'no' is none of true, false, on"),
        (forms.NullBooleanField(), "yes", "'yes' is none of true, false, unknown"),
        (forms.NullBooleanField(), 2, "This takes True, False or None"),
        (forms.SplitDateTimeField(), "2026-01-02 03:04", "a list of its parts, not one text"),
        (forms.SplitDateTimeField(), ["2026-01-02", "3:04", "5"], "takes 2 parts, not 3"),
        (forms.SplitDateTimeField(), LATE, "couldn’t be interpreted in time zone Europe/Berlin"),
        (forms.DateField(), LATE, "of a moment, give the date in the zone you mean"),
        (forms.JSONField(), Decimal("1.1"), "does not take a value of type Decimal"),
        (forms.IntegerField(), object(), "Enter a whole number"),
        (forms.IntegerField(disabled=True, initial=1), 2, "fixed by the form; leave it out"),
        (forms.CharField(), "a\udcff", "has bytes that are not UTF-8"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_a_field_would_take_for_another_value_is_refused(field, value, why):
    with timezone.override(BERLIN):
        assert why in errors({"it": value}, it=field)["it"]


def test_what_a_form_adds_is_kept_or_refused_by_name(database):
    class Params(forms.Form):
        what = forms.CharField()

        def clean(self):
            self.cleaned_data["opened"] = open if self.cleaned_data["what"] == "open" else 7

    @step
    def one(self, run): ...

    trial = type("Trial", (JobDefinition,), {"abstract": True, "Params": Params, "one": one})
    job = launch(trial, {"what": "shut"})
    assert parameters.recall(job_of(job.pk).understood) == {"what": "shut", "opened": 7}
    before = rows()
    with pytest.raises(InvalidParams, match="opened: This cannot be kept for the steps: a value"):
        launch(trial, {"what": "open"})
    assert rows() == before


def test_half_a_character_in_a_parameter_breaks_no_page(ada, claimant):
    half = '["\\ud800"]'
    job = launch("every_json", QueryDict(f"it={half}"))
    assert parameters.recall(job_of(job.pk).understood) == {"it": ["\ud800"]}
    page = ada.get(f"/launch/every_json/?again={job.pk}")
    assert "filled in: it, which has characters that are not text." in page.text
    assert ada.post("/launch/every_json/", {"it": f"[{half}, "}).status_code == 200
    refused = ada.post("/launch/every_json/", {"it": half, "truestep-key": "old"})
    assert (refused.status_code, "?" in refused.text) == (409, True)


def test_a_widget_has_its_script_and_style_on_the_page(ada, database):
    head = ada.get("/launch/every_json/").text.partition("</head>")[0]
    assert re.search(r'<script src="\S*/editor\.js">', head)
    assert re.search(r'<link href="\S*/editor\.css"', head)
