"""How parameters are shown, and the options that commands have for them."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path

from django import forms
from django.core.management import call_command
from django.http import QueryDict

from jobs.definitions import JobDefinition, parameters
from jobs.definitions.parameters import FromCommand
from tests.definitions.ways import BERLIN, PLACES, Ways, in_place
from tests.support import job_of


def test_page_admin_and_commands_show_what_was_understood(ada, groups, claimant):
    with in_place(PLACES[f"de {BERLIN}"]):
        job = Ways(ada, PLACES[f"de {BERLIN}"], Path("/nowhere")).go("page").job
    page = " ".join(ada.get(f"/jobs/{job.pk}/").text.split())
    admin = ada.get(f"/admin/truestep/job/{job.pk}/change/").text
    shown, as_json = io.StringIO(), io.StringIO()
    call_command("show", str(job.pk), stdout=shown)
    call_command("show", str(job.pk), "--json", stdout=as_json)
    for name, words in {
        "day": "2026-02-01",
        "moment": "2026-02-01 13:04:05 Europe/Berlin",
        "decimal_local": "1234567.890",
        "group": "eve",
        "groups": "eve, ada",
        "yes": "yes",
    }.items():
        assert f"<dt>{name}</dt> <dd>{words}</dd>" in page
        assert f"{name}: {words}" in admin
        assert f"{name}: {words}" in shown.getvalue()
    output = json.loads(as_json.getvalue())["job"]
    assert output["params"]["moment"] == "2026-02-01T13:04:05+01:00"
    assert output["params"]["several"] == ["a", "c"]
    assert output["typed"]["moment"] == ["01.02.2026 13:04:05"]
    assert "csrfmiddlewaretoken" not in output["typed"]


def test_the_command_has_an_option_for_each_control(database):
    out = io.StringIO()
    call_command("launch", stdout=out)
    options = next(line for line in out.getvalue().splitlines() if line.startswith("every_field"))
    for option in ("--day-selected", "--moment-split-0", "--moment-split-1", "--phone-is-mobile"):
        assert option in options.split()
    assert "--fixed" not in options.split()


def test_a_flag_that_is_set_from_the_start_can_be_taken_back(groups, claimant):
    out = io.StringIO()
    arguments = ("--where=/nowhere", "--no-yes", "--phone-line=5", "--groups=")
    call_command("launch", "every_initial", *arguments, "--detach", stdout=out)
    got = parameters.recall(job_of(int(out.getvalue())).understood)
    assert (got["yes"], got["phone"], list(got["groups"])) == (False, (2, "5", True), [])


def test_a_form_may_name_its_controls_itself(database):
    class Params(forms.Form):
        many = forms.IntegerField(initial=1)
        day = forms.DateField(required=False)

        def add_prefix(self, field_name):
            return f"x[{field_name}]"

    trial = type("Trial", (JobDefinition,), {"abstract": True, "Params": Params})
    for given in (
        QueryDict("x[many]=2&x[day]=2026-01-02&day=2027-01-01"),
        FromCommand({"x[many]": ["2"], "x[day]": ["2026-01-02"]}),
        {"many": 2, "day": "2026-01-02"},
    ):
        got = trial.understand(given)
        assert got.cleaned == {"many": 2, "day": date(2026, 1, 2)}
        assert got.typed["x[day]"] == ["2026-01-02"]
        assert got.typed.keys() <= {"x[many]", "x[day]"}
