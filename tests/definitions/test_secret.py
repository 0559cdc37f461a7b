"""What of a form is secret, and what becomes of it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django import forms
from django.http import QueryDict

from jobs.definitions import secret
from jobs.definitions.parameters import FromCommand, Secrets, in_words, recall, understand
from jobs.exceptions import InvalidParams

MARK = {"$secret": None}


class LoginField(forms.MultiValueField):
    """A name beside a password."""

    def __init__(self):
        parts = [forms.CharField(), forms.CharField()]
        widget = forms.MultiWidget({"name": forms.TextInput, "password": forms.PasswordInput})
        widget.decompress = lambda value: value or [None, None]
        super().__init__(parts, widget=widget)

    def compress(self, parts):
        return list(parts)


def form_of(**fields):
    return type("Params", (forms.Form,), fields)


def password(kind=forms.CharField, **options):
    return kind(widget=forms.PasswordInput, **options)


def recalled(understood):
    """What a step gets."""
    return recall(understood.kept, Secrets.of(understood.sealed).values)


@pytest.mark.parametrize(
    ("field", "given", "hidden"),
    [
        (password(), "hunter2", ["hunter2"]),
        (password(strip=False), " hunter2 ", ["hunter2"]),
        (password(forms.IntegerField), 1234567, ["1234567"]),
        (password(forms.DecimalField), Decimal("1234.5678"), ["1234.5678"]),
        (password(forms.JSONField), {"user": "hunter", "key": ["hunter2"]}, ["hunter2"]),
        (LoginField(), ["hunter", "hunter2"], ["hunter", "hunter2"]),
    ],
)
def test_a_secret_of_any_type_is_sealed_and_hidden(field, given, hidden):
    understood = understand(
        "it", form_of(its=field, other=forms.CharField()), {"its": given, "other": "o"}
    )
    assert understood.kept["fields"] == {"its": MARK, "other": "o"}
    assert in_words(understood.kept) == {"its": "***", "other": "o"}
    assert recalled(understood) == {"its": given, "other": "o"}
    assert understood.typed == {"other": ["o"]}
    for hide in (understood.hide, Secrets.of(understood.sealed).hide):
        assert {hide(text) for text in hidden} == {"***"}


def test_all_controls_of_a_secret_field_are_secret():
    params = form_of(its=LoginField())
    page = QueryDict("its_name=hunter&its_password=hunter2")
    command = FromCommand({"its_name": ["hunter"], "its_password": ["hunter2"]})
    for given in (page, command):
        understood = understand("it", params, given)
        assert (understood.kept["fields"], understood.typed) == ({"its": MARK}, {})
        assert recalled(understood) == {"its": ["hunter", "hunter2"]}


def test_what_a_clean_method_replaces_is_secret_before_and_after():
    params = form_of(its=password(), clean_its=lambda form: form.cleaned_data["its"][::-1])
    understood = understand("it", params, {"its": "hunter2"})
    assert understood.kept == {"fields": {"its": MARK}, "added": {}, "read": {}}
    assert understood.hide("hunter2, 2retnuh") == "***, ***"
    assert Secrets.of(understood.sealed).hide("2retnuh") == "***"


def test_only_what_has_the_secret_in_it_is_sealed_beside_it():
    params = form_of(its=password(), address=forms.CharField(), day=forms.DateField())
    given = {"its": "hunter2", "address": "https://u:hunter2@example.com", "day": "2026-01-02"}
    understood = understand("it", params, given)
    assert understood.kept["fields"]["address"] == understood.kept["fields"]["its"] == MARK
    assert understood.kept["fields"]["day"] == {"$date": "2026-01-02"}
    assert understood.typed == {"day": ["2026-01-02"]}
    assert recalled(understood)["address"] == given["address"]


@pytest.mark.parametrize("given", [{}, {"its": ""}, {"its": None}])
def test_nothing_is_not_secret(given):
    params = form_of(its=password(required=False), other=forms.CharField(initial="o"))
    understood = understand("it", params, given)
    assert understood.kept["fields"] == {"its": "", "other": "o"}
    assert (understood.sealed, bool(understood.hide)) == ({}, False)


def test_messages_of_a_form_do_not_repeat_the_secret():
    choices = forms.ChoiceField(widget=forms.PasswordInput, choices=[("a", "a")])
    for given in ({"its": "hunter2"}, QueryDict("its=hunter2"), FromCommand({"its": ["hunter2"]})):
        with pytest.raises(InvalidParams) as error:
            understand("it", form_of(its=choices), given)
        assert "Select a valid choice. *** is not one" in str(error.value)
        assert "hunter2" not in str(error.value) + error.value.form.as_p()


def test_a_page_shows_no_secret_whatever_the_form_says():
    its = forms.CharField(widget=forms.PasswordInput(render_value=True), help_text="<b>Mine</b>")
    shown = secret.for_page(form_of(its=its)(QueryDict("its=hunter2"))).as_p()
    assert "hunter2" not in shown
    assert "<b>Mine</b> Secret: kept encrypted until the job ends" in shown
