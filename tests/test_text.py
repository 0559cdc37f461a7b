"""Text is cleaned once, alike for every database and every page."""

import json

import pytest

from jobs.text import clean, clean_json, cut


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain ✔ zwei\tdrei\nvier", "plain ✔ zwei\tdrei\nvier"),
        ("a\0b", "a␀b"),
        ("\x1b[31mred\x7f", "␛[31mred␡"),
        ("dos\r\nline, bar\rbar", "dos\nline, bar␍bar"),
        ("\x85 \x9b", "� �"),
        ("lone \ud800 \udcff", "lone � �"),
        ("<b>&amp;</b>", "<b>&amp;</b>"),  # markup is the page's business
        ("", ""),
    ],
)
def test_what_cannot_be_shown_is_made_visible(raw, shown):
    assert clean(raw) == shown
    assert clean(clean(raw)) == shown


def test_every_character_can_be_stored_afterwards():
    everything = "".join(map(chr, range(0x110000)))
    cleaned = clean(everything)
    assert cleaned.encode()
    assert "\0" not in cleaned


@pytest.mark.parametrize("length", [0, 1, 99, 100])
def test_what_fits_is_not_cut(length):
    assert cut("x" * length, 100) == "x" * length


def test_a_cut_keeps_both_ends_and_says_how_much_is_gone():
    text = cut("head" + "." * 1000 + "tail", 100)
    assert text.startswith("head")
    assert text.endswith("tail")
    assert "… 908 bytes cut here …" in text


@pytest.mark.parametrize("sign", ["é", "✔", "😀"])
@pytest.mark.parametrize("limit", range(60, 68))
def test_a_cut_never_splits_a_character(sign, limit):
    assert set(cut(sign * 100, limit).replace("\n", "")) <= {sign, *"… 0123456789,bytescuthere"}


def test_json_is_cleaned_in_depth_keys_included():
    value = {"a\0": ["\x1b", {"\ud800": 1}], "n": [None, True, 1.5]}
    assert clean_json(value) == {"a␀": ["␛", {"�": 1}], "n": [None, True, 1.5]}
    assert json.dumps(clean_json(value), ensure_ascii=False).encode()
