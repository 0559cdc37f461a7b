"""What a step gets is what the form understood at the launch, whoever read it, in any language."""

from __future__ import annotations

import io
import pickle
import zoneinfo
from collections import Counter
from datetime import datetime, time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db.models import QuerySet
from django.test import override_settings
from django.utils import timezone

from jobs.exceptions import InvalidParams
from jobs.models import Job
from jobs.orchestrator import launch
from tests.fates.field_jobs import GROUPS, UNDERSTOOD, VALUES
from tests.support import job_of, wait_for

BERLIN = "Europe/Berlin"
PLACES = {
    f"{language} {zone if use_tz else 'without zones'}": {
        "LANGUAGE_CODE": language,
        "USE_THOUSAND_SEPARATOR": True,
        "USE_TZ": use_tz,
        "zone": zone,
    }
    for language in ("en", "de", "en-gb")
    for zone, use_tz in (("UTC", True), (BERLIN, True), ("UTC", False))
}
DATES = {"en": "02/01/2026", "de": "01.02.2026", "en-gb": "01/02/2026"}  # 1 February
DAYS_IN_JULY = {"en": "07/01/2026", "de": "01.07.2026", "en-gb": "01/07/2026"}
NUMBERS = {"en": "1,234,567.890", "en-gb": "1,234,567.890", "de": "1.234.567,890"}
HALVES = {"en": "1,234.5", "en-gb": "1,234.5", "de": "1.234,5"}
WHOLES = {"en": "1,234,567", "en-gb": "1,234,567", "de": "1.234.567"}

# What may be refused at launch, by field and way, and why.
REFUSED: dict[tuple[str, str], str] = {}


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


class Ways:
    """Launches in one place; a field that is refused is noted and left out of a second try."""

    def __init__(self, client, place: dict[str, Any], files: Path) -> None:
        self.client = client
        self.place = place
        self.files = files
        self.refused: dict[str, dict[str, str]] = {}  # way → field → why
        self.jobs: dict[str, tuple[Job, Path, dict[str, Any]]] = {}  # way → …, understood
        self.typed = typed(place["LANGUAGE_CODE"])

    def go(self, way: str) -> None:
        self._attempt(way, without=set())

    def _attempt(self, way: str, without: set[str]) -> None:
        path = self.files / f"{len(self.jobs)} {way}"
        UNDERSTOOD.clear()
        job, errors = getattr(self, way)(str(path), without)
        if errors:
            assert not without, f"{way}: refused twice, {errors}"
            self.refused[way] = errors
            self._attempt(way, set(errors))
            return
        assert len(UNDERSTOOD) == 1, f"{way}: clean() ran {len(UNDERSTOOD)} times"
        self.jobs[way] = (job, path, UNDERSTOOD[0])

    # what is typed

    def page(self, path, without):
        sent = Page(self.client.get("/launch/every_field/").text).sends
        for name, controls in self.typed.items():
            for suffix, texts in controls.items():
                sent[name + suffix] = [] if name in without else texts
        self._select_date(sent, "day_selected")
        return self._post("/launch/every_field/", sent | {"where": [path]})

    def _select_date(self, sent, name):
        del sent[name]
        sent |= {f"{name}_year": ["2026"], f"{name}_month": ["2"], f"{name}_day": ["1"]}

    def command(self, path, without):
        options = [f"--where={path}"]
        for name, controls in self.typed.items():
            for suffix, texts in controls.items() if name not in without else ():
                option = "--" + f"{name}{suffix}".replace("_", "-")
                if name == "yes" or suffix == "_is_mobile":
                    options.append(option)
                else:
                    options += [f"{option}={text}" for text in texts]
        return self._command("every_field", *options)

    def python(self, path, without):
        given = expected(self.place) | {"where": path}
        del given["fixed"]
        # Text stays text as if it was typed.
        given |= {"json_text": '"text"'}
        return self._python("every_field", self._but(given, without))

    def python_text(self, path, without):
        given = {
            name: texts[""] if len(texts[""]) != 1 else texts[""][0]
            for name, texts in self.typed.items()
            if "" in texts
        }
        parts = {n: [t[0] for t in ts.values()] for n, ts in self.typed.items() if "" not in ts}
        return self._python("every_field", self._but(given | parts | {"where": path}, without))

    # what has an initial value

    def initial_page(self, path, without):
        sent = Page(self.client.get("/launch/every_initial/").text).sends
        return self._post("/launch/every_initial/", sent | {"p-where": [path]})

    def initial_command(self, path, without):
        return self._command("every_initial", f"--where={path}")

    def initial_python(self, path, without):
        return self._python("every_initial", {"where": path})

    # again

    def again(self, path, without):
        return self._again("python", path)

    def again_initial(self, path, without):
        return self._again("initial_command", path, "p-")

    def _again(self, way, path, prefix=""):
        old = self.jobs[way][0]
        address = f"/launch/{old.definition}/?again={old.pk}"
        sent = Page(self.client.get(address).text).sends
        return self._post(address, sent | {f"{prefix}where": [path]})

    # how

    def _but(self, given, without):
        return {name: value for name, value in given.items() if name not in without}

    def _post(self, address, sent):
        response = self.client.post(address, {name: texts for name, texts in sent.items() if texts})
        if response.status_code == 302:
            return Job.objects.latest("pk"), {}
        form = response.context["form"]
        return None, {name: " ".join(texts) for name, texts in form.errors.items()}

    def _command(self, *arguments):
        out = io.StringIO()
        try:
            call_command("launch", *arguments, "--detach", stdout=out)
        except CommandError as error:
            cause = error.__cause__
            assert isinstance(cause, InvalidParams), error
            return None, {name: " ".join(texts) for name, texts in cause.errors.items()}
        return job_of(int(out.getvalue())), {}

    def _python(self, name, given):
        try:
            return launch(name, given), {}
        except InvalidParams as error:
            return None, {name: " ".join(texts) for name, texts in error.errors.items()}


TYPED = ("page", "command", "python", "python_text")
INITIAL = ("initial_page", "initial_command", "initial_python")
AGAIN = ("again", "again_initial")


@pytest.fixture
def groups(database):
    for name in ("eve", "ada"):
        Group.objects.create(name=name)


@pytest.fixture
def ways(ada, groups, request, tmp_path):
    place = dict(PLACES[request.param])
    zone = place["zone"]
    settings = {name: value for name, value in place.items() if name != "zone"}
    with override_settings(**settings), timezone.override(zone):
        yield Ways(ada, place, tmp_path)


def is_same(one: Any, other: Any) -> bool:
    """Equal and of the same type, down to the zone of a moment."""
    if type(one) is not type(other):
        return False
    if isinstance(one, QuerySet):
        return one.model is other.model and list(one) == list(other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, datetime | time):
        return (one, one.fold, str(one.tzinfo)) == (other, other.fold, str(other.tzinfo))
    return repr(one) == repr(other) and one == other


def means(value: Any, name: str) -> Any:
    """The value without what only a form adds to it."""
    if isinstance(value, QuerySet):
        return list(value)
    return str(value) if name == "json_text" else value


@pytest.mark.parametrize("ways", PLACES, indirect=True)
def test_a_step_gets_what_the_form_understood(ways, worker):
    """The worker reads English, in UTC."""
    for way in (*TYPED, *INITIAL, *AGAIN):
        ways.go(way)
    names = [*VALUES, *GROUPS]
    cells = Counter()
    wrong = []
    for way, (job, path, understood) in ways.jobs.items():
        wait_for(path.exists, what=f"the step of {way}: {job}")
        got = pickle.loads(path.read_bytes())
        assert got.keys() == understood.keys()
        assert is_same(got["chance"], understood["chance"])
        meant = expected(ways.place)
        if way in (*INITIAL, "again_initial"):
            meant |= {"moment_exact": meant["moment"], "time_exact": meant["time"]}
        for name in names:
            if name in ways.refused.get(way, {}):
                cells["refused"] += 1
                assert (name, way) in REFUSED, (name, way, ways.refused[way][name])
                continue
            cells["equal"] += 1
            if not is_same(got[name], understood[name]):
                wrong.append(f"{way} {name}: got {got[name]!r}, understood {understood[name]!r}")
            elif not is_same(means(got[name], name), meant[name]):
                wrong.append(f"{way} {name}: got {got[name]!r}, meant {meant[name]!r}")
    assert wrong == []
    print(f"{cells['equal']} cells equal, {cells['refused']} refused")
    assert cells["equal"] + cells["refused"] == len(names) * 9 >= 500
    assert cells["refused"] < 0.05 * cells.total()
