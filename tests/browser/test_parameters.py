"""What a browser makes of the controls: an untouched form sends its initial values."""

import pickle

import pytest
from django.contrib.auth.models import Group
from playwright.sync_api import expect

from tests.support import wait_for
from tests.testapp.field_jobs import INITIAL, VALUES

pytestmark = pytest.mark.slow


def test_what_a_form_shows_is_what_it_sends(page, site, tmp_path):
    for name in ("eve", "ada"):
        Group.objects.create(name=name)
    page.goto(f"{site.url}/launch/every_initial/")
    first = sent(page, tmp_path / "first")
    assert {name: first[name] for name in VALUES if not name.startswith("moment")} == {
        name: INITIAL[name] for name in VALUES if not name.startswith("moment")
    }
    assert [group.name for group in first["groups_boxes"]] == ["eve", "ada"]
    page.get_by_role("link", name="Launch again").click()
    again = sent(page, tmp_path / "again")
    for given in (first, again):
        given["groups"], given["groups_boxes"] = list(given["groups"]), list(given["groups_boxes"])
        del given["where"], given["chance"], given["groups_none"]
    assert again == first


def sent(page, path):
    """What the step got of the form as it is shown."""
    page.locator("[name=p-where]").fill(str(path))
    page.locator("form.launch button").click()
    expect(page.locator("header.job-head")).to_be_visible()
    wait_for(path.exists)
    return pickle.loads(path.read_bytes())
