"""The ways to launch a job with one form: a page, a command, Python; in any language and zone."""

from __future__ import annotations

import io
import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django import forms
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db.models import QuerySet
from django.test import override_settings
from django.utils import timezone

from jobs.definitions import JobDefinition
from jobs.exceptions import InvalidParams
from jobs.models import Job
from jobs.orchestrator import launch
from tests.support import job_of
from tests.testapp.field_jobs import UNDERSTOOD, VALUES

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
    """What a person types in this language, by field and control."""
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
    """The controls of a page as a browser has them: what it would send untouched."""

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


# --- forms of a test's own -----------------------------------------------------------------------


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
