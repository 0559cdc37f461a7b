"""Settings that ordinary projects have: each works, or ``manage.py check`` refuses it by name."""

from __future__ import annotations

import re

import pytest

from jobs import feed
from jobs.live import fragments
from jobs.models import Attempt, Transition
from jobs.orchestrator import launch
from jobs.statuses import Verdict
from tests.support import drive, ended, job_of, number_rows_from

LOCALISED = {
    "English": {"LANGUAGE_CODE": "en-gb"},
    "German": {"LANGUAGE_CODE": "de"},
    "French": {"LANGUAGE_CODE": "fr"},
    "Indian": {"LANGUAGE_CODE": "en", "NUMBER_GROUPING": (3, 2, 0), "THOUSAND_SEPARATOR": "'"},
}
# What differs between two answers for the same page.
OF_THE_MOMENT = re.compile(r'name="csrfmiddlewaretoken" value="\w+"|data-now="\d+"')


def own_pages(client, job) -> dict[str, str]:
    """The pages and frames of a job, by their addresses."""
    paths = ["/", f"/?before={job.pk + 1}", f"/jobs/{job.pk}/", f"/jobs/{job.pk}/?before=4"]
    paths += ["/launch/", f"/launch/{job.definition}/?again={job.pk}", "/nothing/"]
    pages = {path: client.get(path).text for path in paths}
    pages["frames"] = "".join(frame["html"] for frame in fragments.frames(feed.look(job.pk)))
    return {path: OF_THE_MOMENT.sub("", text) for path, text in pages.items()}


@pytest.fixture
def numbered(desk):
    """A job and steps with numbers that a language would write with separators."""
    number_rows_from(1501)
    job = drive(desk, launch("fails"), lambda held: ended(Verdict.FAILED, "no luck"))
    assert job.pk > 1500 and all(step.pk > 1500 for step in job.steps.all())
    return job_of(job.pk)


@pytest.mark.parametrize("language", LOCALISED)
def test_ids_and_numbers_are_written_alike_in_every_language(settings, ada, numbered, language):
    plain = own_pages(ada, numbered)
    settings.USE_I18N = settings.USE_THOUSAND_SEPARATOR = True
    for name, value in LOCALISED[language].items():
        setattr(settings, name, value)
    localised = own_pages(ada, numbered)
    assert localised.keys() == plain.keys()
    for path, text in plain.items():
        assert f"{numbered.pk}" in text or path in ("/launch/", "/nothing/")
        assert localised[path] == text, path


@pytest.mark.parametrize("language", LOCALISED)
def test_no_attribute_in_the_admin_has_a_localised_number(settings, ada, numbered, language):
    settings.USE_I18N = settings.USE_THOUSAND_SEPARATOR = True
    for name, value in LOCALISED[language].items():
        setattr(settings, name, value)
    separated = re.compile(r'="[^"]*\b1[^\w"=-]50\d\b[^"]*"')
    paths = ["job/", f"job/{numbered.pk}/change/", "step/", "attempt/", "transition/"]
    paths.append(f"attempt/{Attempt.objects.latest('pk').pk}/change/")
    paths.append(f"transition/{Transition.objects.latest('pk').pk}/change/")
    for path in paths:
        text = ada.get(f"/admin/truestep/{path}").text
        assert not separated.search(text), path
    page = ada.get(f"/admin/truestep/job/{numbered.pk}/change/").text
    assert f'id="job-{numbered.pk}"' in page
    assert f"ids={numbered.pk}&amp;whole" in page
