"""What a step gets is what the form understood at the launch, whoever read it, in any language."""

from __future__ import annotations

import io
import ipaddress
import json
import pickle
import re
import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from django import forms
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db.models import QuerySet
from django.http import QueryDict
from django.test import override_settings
from django.utils import timezone

from jobs.definitions import JobDefinition, parameters, step
from jobs.definitions.parameters import FromCommand
from jobs.exceptions import InvalidParams
from jobs.models import Attempt, Job
from jobs.orchestrator import launch
from tests.support import at_length, job_of, rows, step_of, wait_for
from tests.support.values import is_same
from tests.testapp.field_jobs import GROUPS, UNDERSTOOD, VALUES, Colour

BERLIN = "Europe/Berlin"
LANGUAGES = ("en", "de", "en-gb")
LATE = datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=zoneinfo.ZoneInfo(BERLIN))
PLACES = {
    f"{language} {zone if use_tz else 'no zone'}": {
        "LANGUAGE_CODE": language,
        "USE_THOUSAND_SEPARATOR": True,
        "USE_TZ": use_tz,
        "zone": zone,
    }
    for language in LANGUAGES
    for zone, use_tz in (("UTC", True), (BERLIN, True), ("UTC", False))
}
DATES = {"en": "02/01/2026", "de": "01.02.2026", "en-gb": "01/02/2026"}  # 1 February
DAYS_IN_JULY = {"en": "07/01/2026", "de": "01.07.2026", "en-gb": "01/07/2026"}
NUMBERS = {"en": "1,234,567.890", "en-gb": "1,234,567.890", "de": "1.234.567,890"}
HALVES = {"en": "1,234.5", "en-gb": "1,234.5", "de": "1.234,5"}
WHOLES = {"en": "1,234,567", "en-gb": "1,234,567", "de": "1.234.567"}


def typed(language: str) -> dict[str, dict[str, list[str]]]:
    """What somebody types of this language types, by field and control."""
    day = DATES[language]
    group = str(Group.objects.get(name="eve").pk)
    groups = [str(pk) for pk in Group.objects.values_list("pk", flat=True)]
    texts: dict[str, Any] = {
        **{name: str(value) for name, value in VALUES.items() if name not in ("fixed", "no")},
        "char_none": "",
        "float_local": HALVES[language],
        "integer_local": WHOLES[language],
        "decimal_local": NUMBERS[language],
        "yes": "on",
        "maybe_yes": "true",
        "maybe_no": "false",
        "maybe": "unknown",
        "day": day,
        "day_local": day,
        "moment": f"{day} 13:04:05",
        "moment_exact": f"{day} 13:04:05.000678",
        "moment_split": {"_0": DAYS_IN_JULY[language], "_1": "13:04:05"},
        "moment_hidden": {"_0": "2026-07-01", "_1": "13:04:05"},
        "duration": "3 00:00:07.000005",
        "choice_enum": "g",
        "choice_none": "",
        "several": ["a", "c"],
        "several_boxes": ["a", "c"],
        "several_hidden": ["a", "c"],
        "several_ints": ["1", "3"],
        "several_none": [],
        "json_dict": '{"a": [1, 2.5, null, {"b": "c"}], "": true}',
        "json_text": '"text"',
        "json_number": "1.25",
        "phone": {"_country": "2", "_line": "555", "_is_mobile": "on"},
        "group": group,
        "group_named": "eve",
        "group_none": "",
        "groups": groups,
        "groups_boxes": groups,
        "groups_none": [],
    }
    return {
        name: {
            suffix: each if isinstance(each, list) else [each]
            for suffix, each in (text if isinstance(text, dict) else {"": text}).items()
        }
        for name, text in texts.items()
    }


def expected(place: dict[str, Any]) -> dict[str, Any]:
    """What each text means there."""
    rows = Group.objects.order_by("-name")
    means = VALUES | {
        "group": rows.get(name="eve"),
        "group_named": rows.get(name="eve"),
        "group_none": None,
        "groups": list(rows),
        "groups_boxes": list(rows),
        "groups_none": [],
    }
    if not place["USE_TZ"]:
        return means
    zone = zoneinfo.ZoneInfo(place["zone"])
    return {
        name: value.replace(tzinfo=zone) if isinstance(value, datetime) else value
        for name, value in means.items()
    }


# --- a browser ------------------------------------------------------------------------------------


class Page(HTMLParser):
    """The controls of a page as a browser has them: what it would send, if nobody touched it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.sends: dict[str, list[str]] = {}
        self._select: tuple[str, bool] | None = None
        self._first: str | None = None
        self._textarea = ""
        self._text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if tag == "textarea":
            self._textarea, self._text = name, ""
        elif tag == "select":
            self._select, self._first = (name, "multiple" in given), None
        elif tag == "option" and self._select:
            if self._first is None:
                self._first = given["value"]
            if "selected" in given:
                self._send(self._select[0], given["value"])
        elif tag == "input" and name and "disabled" not in given:
            kind = given.get("type", "text")
            if kind in ("checkbox", "radio") and "checked" not in given:
                return
            self._send(name, given.get("value", "on" if kind == "checkbox" else ""))

    def handle_data(self, data):
        self._text += data

    def handle_endtag(self, tag):
        if tag == "textarea":
            text = self._text.removeprefix("\n").replace("\r\n", "\n").replace("\n", "\r\n")
            self._send(self._textarea, text)
        elif tag == "select" and self._select:
            name, is_multiple = self._select
            if not is_multiple and name not in self.sends and self._first is not None:
                self._send(name, self._first)
            self._select = None

    def _send(self, name, value):
        self.sends.setdefault(name, []).append(value)


# --- ways to launch -------------------------------------------------------------------------------


class Launched(NamedTuple):
    job: Job
    path: Path  # where its step writes what it got
    understood: dict[str, Any]


class Ways:
    """Launches in one place, in every way."""

    def __init__(self, client, place: dict[str, Any], files: Path) -> None:
        self.client = client
        self.place = place
        self.files = files
        self.jobs: dict[str, Launched] = {}
        self.typed = typed(place["LANGUAGE_CODE"])

    def go(self, way: str) -> Launched:
        path = self.files / way
        UNDERSTOOD.clear()
        job = getattr(self, way)(str(path))
        assert len(UNDERSTOOD) == 1, f"{way}: clean() ran {len(UNDERSTOOD)} times"
        self.jobs[way] = Launched(job, path, UNDERSTOOD[0])
        return self.jobs[way]

    # what is typed

    def page(self, path):
        sent = Page(self.client.get("/launch/every_field/").text).sends
        for name, controls in self.typed.items():
            for suffix, texts in controls.items():
                sent[name + suffix] = texts
        self._select_date(sent, "day_selected")
        return self._post("/launch/every_field/", sent | {"where": [path]})

    def _select_date(self, sent, name):
        del sent[name]
        sent |= {f"{name}_year": ["2026"], f"{name}_month": ["2"], f"{name}_day": ["1"]}

    def command(self, path):
        options = [f"--where={path}"]
        for name, controls in self.typed.items():
            for suffix, texts in controls.items():
                option = "--" + f"{name}{suffix}".replace("_", "-")
                if name == "yes" or suffix == "_is_mobile":
                    options.append(option)
                else:
                    options += [f"{option}={text}" for text in texts]
        return self._command("every_field", *options)

    def python(self, path):
        given = expected(self.place) | {"where": path}
        del given["fixed"]
        # Text stays text as if it was typed.
        given |= {"json_text": '"text"'}
        return launch("every_field", given)

    def python_text(self, path):
        given = {
            name: texts[""] if len(texts[""]) != 1 else texts[""][0]
            for name, texts in self.typed.items()
            if "" in texts
        }
        parts = {n: [t[0] for t in ts.values()] for n, ts in self.typed.items() if "" not in ts}
        return launch("every_field", given | parts | {"where": path})

    # what has an initial value

    def initial_page(self, path):
        sent = Page(self.client.get("/launch/every_initial/").text).sends
        return self._post("/launch/every_initial/", sent | {"p-where": [path]})

    def initial_command(self, path):
        return self._command("every_initial", f"--where={path}")

    def initial_python(self, path):
        return launch("every_initial", {"where": path})

    # again

    def again(self, path):
        return self._again("python", path)

    def again_initial(self, path):
        return self._again("initial_command", path, "p-")

    def _again(self, way, path, prefix=""):
        old = self.jobs[way].job
        address = f"/launch/{old.definition}/?again={old.pk}"
        sent = Page(self.client.get(address).text).sends
        return self._post(address, sent | {f"{prefix}where": [path]})

    # how

    def _post(self, address, sent):
        response = self.client.post(address, sent)
        assert response.status_code == 302, response.context["form"].errors
        return Job.objects.latest("pk")

    def _command(self, *arguments):
        out = io.StringIO()
        call_command("launch", *arguments, "--detach", stdout=out)
        return job_of(int(out.getvalue()))


TYPED = ("page", "command", "python", "python_text")
INITIAL = ("initial_page", "initial_command", "initial_python")
AGAIN = ("again", "again_initial")
WAYS = (*TYPED, *INITIAL, *AGAIN)


@pytest.fixture
def groups(database):
    for name in ("eve", "ada"):
        Group.objects.create(name=name)


@contextmanager
def in_place(place: dict[str, Any]) -> Iterator[None]:
    settings = {name: value for name, value in place.items() if name != "zone"}
    with override_settings(**settings), timezone.override(place["zone"]):
        yield


def means(value: Any, name: str) -> Any:
    """The value without what only a form adds to it."""
    if isinstance(value, QuerySet):
        return list(value)
    return str(value) if name == "json_text" else value


@pytest.mark.slow
@pytest.mark.parametrize("places", at_length(["en UTC", f"de {BERLIN}", "en-gb no zone"], PLACES))
def test_a_step_gets_what_the_form_understood(ada, groups, worker, tmp_path, places):
    """The worker reads English, in UTC. ``clean()`` runs once, and what it adds is kept."""
    cells, wrong = 0, []
    for number, place in enumerate(map(PLACES.get, places)):
        files = tmp_path / str(number)
        files.mkdir()
        with in_place(place):
            ways = Ways(ada, place, files)
            for way in WAYS:
                ways.go(way)
            for way in WAYS:
                wrong += differences(ways, way)
                cells += len([*VALUES, *GROUPS])
    assert wrong == []
    assert cells == len(places) * 9 * 60 >= 400
    print(f"{cells:,} cells, all equal, none refused")


def differences(ways: Ways, way: str) -> Iterator[str]:
    """Where the step got something else than the form understood, or than was meant."""
    job, path, understood = ways.jobs[way]
    wait_for(path.exists, what=f"the step of {way}: {job}")
    got = pickle.loads(path.read_bytes())
    assert got.keys() == understood.keys()
    assert is_same(got["chance"], understood["chance"])
    meant = expected(ways.place)
    if way in (*INITIAL, "again_initial"):  # an initial value has no microseconds, in any form
        meant |= {"moment_exact": meant["moment"], "time_exact": meant["time"]}
    for name in (*VALUES, *GROUPS):
        if not is_same(got[name], understood[name]):
            yield f"{way} {name}: got {got[name]!r}, understood {understood[name]!r}"
        elif not is_same(means(got[name], name), meant[name]):
            yield f"{way} {name}: got {got[name]!r}, meant {meant[name]!r}"


# --- what is refused, and what is not the same ----------------------------------------------------


def definition(**fields: forms.Field) -> type[JobDefinition]:
    """One that is not registered, with these parameters."""
    params = type("Params", (forms.Form,), fields)
    return type("Trial", (JobDefinition,), {"abstract": True, "name": "trial", "Params": params})


def understood(given: Any, before: Any = None, **fields: forms.Field) -> dict[str, Any]:
    return definition(**fields).understand(given, before).cleaned


def errors(given: Any, **fields: forms.Field) -> dict[str, str]:
    with pytest.raises(InvalidParams) as caught:
        definition(**fields).understand(given)
    return {name: " ".join(texts) for name, texts in caught.value.errors.items()}


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


def test_half_a_character_in_a_parameter_breaks_no_page(ada, desk):
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


# --- rows that go, choices that go ----------------------------------------------------------------


def test_a_step_whose_row_is_gone_fails_and_names_the_field(groups, worker, tmp_path):
    """The first step waits until the row is gone; the second one would have retries."""
    eve = Group.objects.get(name="eve")
    job = launch("needs_a_group", {"gate": str(tmp_path / "gate"), "group": eve})
    wait_for(lambda: step_of(job, "waiting").log_lines)
    eve.delete()
    (tmp_path / "gate").touch()
    wait_for(lambda: job_of(job.pk).is_finished)
    attempt = Attempt.objects.get(step__job=job, step__name="using")
    number = job.understood["fields"]["group"]["$object"]["pk"]
    assert attempt.error == (
        f"Parameter 'group': auth.group {number} (eve) is no longer in the database. "
        "Launch again with another one."
    )


def test_launch_again_says_what_cannot_be_filled_in(ada, groups, desk):
    eve = Group.objects.get(name="eve")
    job = launch("needs_a_group", {"gate": "/gate", "group": eve})
    eve.delete()
    page = ada.get(f"/launch/needs_a_group/?again={job.pk}").text
    assert f"cannot be filled in: group: auth.group {eve.pk or ''}" in page
    assert 'value="/gate"' in page


class Tags(forms.CharField):
    def to_python(self, value):
        return [tag.strip() for tag in super().to_python(value).split(",")]

    def run_validators(self, value): ...


class MadeOtherwise(forms.Form):
    """Its fields and its own methods make something else of what was typed."""

    sure = forms.TypedChoiceField(
        choices=[("y", "yes"), ("n", "no")], coerce=lambda choice: choice == "y"
    )
    sizes = forms.TypedMultipleChoiceField(
        choices=[("s", "small"), ("l", "large")], coerce=lambda choice: {"s": 1, "l": 9}[choice]
    )
    region = forms.ChoiceField(choices=[("us", "US"), ("eu", "EU")])
    words = forms.CharField()
    tags = Tags()
    count = forms.IntegerField()
    dropped = forms.CharField()

    def clean_region(self):
        return {"code": self.cleaned_data["region"]}

    def clean_words(self):
        return self.cleaned_data["words"].split()

    def clean(self):
        return {**self.cleaned_data, "count": self.cleaned_data["count"] + 1, "dropped": None}


def shown_again(params: type[forms.Form], kept: Any) -> tuple[forms.Form, QueryDict, list[str]]:
    """The form of Launch again, what a browser sends of it untouched, and what is not in it."""
    form = params()
    dropped = parameters.fill_in(form, kept)
    return form, QueryDict("&".join(f"{n}={t}" for n, t in sent_untouched(form))), dropped


def sent_untouched(form: forms.Form) -> Iterator[tuple[str, str]]:
    for name, texts in Page(str(form)).sends.items():
        yield from ((name, text) for text in texts)


def test_launch_again_shows_what_the_fields_read():
    trial = type("Trial", (JobDefinition,), {"abstract": True, "Params": MadeOtherwise})
    typed = "sure=n&sizes=s&sizes=l&region=eu&words=a b&tags=a, b&count=1&dropped=text"
    first = trial.understand(QueryDict(typed))
    assert first.cleaned["sure"] is False
    _, sent, dropped = shown_again(MadeOtherwise, first.kept)
    assert (sent, dropped) == (QueryDict(typed), [])
    assert trial.understand(sent, first.kept).cleaned == first.cleaned


def test_launch_again_names_choices_that_are_gone():
    def params(*choices: str) -> type[forms.Form]:
        options = [(choice, choice) for choice in choices]
        one, several = forms.ChoiceField(choices=options), forms.MultipleChoiceField
        return type("Params", (forms.Form,), {"one": one, "several": several(choices=options)})

    kept = understood(QueryDict("one=z&several=a&several=z"), **params("a", "z").base_fields)
    kept = {"fields": kept, "added": {}}  # of a release that kept no more
    told = [
        "one z, which it no longer takes",
        "several a, z, which it no longer takes",
    ]
    assert shown_again(params("a"), kept)[2] == told
    assert shown_again(params("a", "z"), kept)[2] == []


def test_a_choice_that_is_gone_is_not_sent_in_place_of_another():
    before = {"fields": {"it": "z"}, "added": {}}
    sent = QueryDict("it=a")
    for widget in (forms.Select, forms.RadioSelect):
        field = forms.ChoiceField(choices=[("a", "a")], widget=widget)
        assert understood(sent, before, it=field) == {"it": "a"}


def test_a_password_is_neither_shown_nor_sent_back():
    before = {"fields": {"it": "secret"}, "added": {}}
    field = forms.CharField(widget=forms.PasswordInput, required=False)
    assert understood(QueryDict("it="), before, it=field) == {"it": ""}


@pytest.mark.parametrize("language", LANGUAGES)
def test_launch_again_in_another_language(ada, groups, desk, language):
    with in_place(PLACES["en UTC"]):
        ways = Ways(ada, PLACES["en UTC"], Path("/nowhere"))
        old = ways.go("python").understood
    with in_place(PLACES[f"{language} {BERLIN}"]):
        new = ways.go("again").understood
    for name in ("where", "chance", "moment_split", "moment_hidden"):
        assert is_same(type(new.pop(name)), type(old.pop(name)))
    assert is_same(new, old)


# --- what is shown --------------------------------------------------------------------------------


def test_page_admin_and_commands_show_what_was_understood(ada, groups, desk):
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
    told = json.loads(as_json.getvalue())["job"]
    assert told["params"]["moment"] == "2026-02-01T13:04:05+01:00"
    assert told["params"]["several"] == ["a", "c"]
    assert told["typed"]["moment"] == ["01.02.2026 13:04:05"]
    assert "csrfmiddlewaretoken" not in told["typed"]


def test_the_command_has_an_option_for_each_control(database):
    out = io.StringIO()
    call_command("launch", stdout=out)
    options = next(line for line in out.getvalue().splitlines() if line.startswith("every_field"))
    for option in ("--day-selected", "--moment-split-0", "--moment-split-1", "--phone-is-mobile"):
        assert option in options.split()
    assert "--fixed" not in options.split()


def test_a_flag_that_is_set_from_the_start_can_be_taken_back(groups, desk):
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
