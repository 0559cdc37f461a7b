"""Launching again: the form shows what an earlier job was given, and says what it cannot show."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.contrib.auth.models import Group
from django.http import QueryDict

from jobs.definitions import JobDefinition, parameters
from jobs.models import Attempt
from jobs.orchestrator import launch
from tests.definitions.ways import (
    BERLIN,
    LANGUAGES,
    PLACES,
    Page,
    Ways,
    in_place,
    understood,
)
from tests.support import job_of, step_of, wait_for
from tests.support.values import is_same


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


def test_launch_again_says_what_cannot_be_filled_in(ada, groups, claimant):
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
    output = [
        "one z, which it no longer takes",
        "several a, z, which it no longer takes",
    ]
    assert shown_again(params("a"), kept)[2] == output
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
def test_launch_again_in_another_language(ada, groups, claimant, language):
    with in_place(PLACES["en UTC"]):
        ways = Ways(ada, PLACES["en UTC"], Path("/nowhere"))
        old = ways.go("python").understood
    with in_place(PLACES[f"{language} {BERLIN}"]):
        new = ways.go("again").understood
    for name in ("where", "chance", "moment_split", "moment_hidden"):
        assert is_same(type(new.pop(name)), type(old.pop(name)))
    assert is_same(new, old)
