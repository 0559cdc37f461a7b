"""Sentences keep their moments, so that each reader sees them in their own time zone."""

from datetime import UTC, datetime

from jobs.sentences import as_json, joined, sentence

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def test_fields_become_text_and_moments_stay():
    said = sentence(
        "attempt {number} of {last} at {at}, by {who}", number=2, last=3, at=NOON, who=7
    )
    assert said == ["attempt 2 of 3 at ", NOON, ", by 7"]


def test_braces_in_a_value_are_text():
    assert sentence("after: {error}", error="{at}") == ["after: {at}"]


def test_sentences_are_joined_by_a_space():
    one, two = sentence("It ended at {at}.", at=NOON), sentence("It is retried.")
    assert joined(one, two) == ["It ended at ", NOON, ". It is retried."]
    assert joined([], two, []) == two
    assert joined() == []


def test_a_moment_is_an_object_in_json():
    assert as_json(["at ", NOON]) == ["at ", {"at": "2026-01-02T12:00:00.000000Z"}]
