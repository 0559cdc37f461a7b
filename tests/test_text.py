"""Text is cleaned once, alike for every database and every page."""

from unicodedata import bidirectional, category

import pytest

from jobs.text import clean, cut, isolated, storable, visible, without_marks


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
def test_unprintable_characters_are_made_visible(raw, shown):
    assert clean(raw) == shown
    assert clean(clean(raw)) == shown


EVERYTHING = "".join(map(chr, range(0x110000)))


@pytest.mark.parametrize("make", [clean, visible, storable])
def test_every_character_can_be_stored_afterwards(make):
    made = make(EVERYTHING)
    assert made.encode()
    assert "\0" not in made


def test_a_log_keeps_escape_and_carriage_return_alone():
    pairs = zip(visible(EVERYTHING), storable(EVERYTHING), strict=True)
    assert {(shown, stored) for shown, stored in pairs if shown != stored} == {
        ("␛", "\x1b"),
        ("␍", "\r"),
    }
    assert visible(storable(EVERYTHING)) == visible(EVERYTHING)


def test_a_terminal_is_sent_no_control_character():
    controls = [sign for sign in map(chr, range(0x110000)) if category(sign) == "Cc"]
    assert len(controls) == 65
    assert {sign for sign in visible("".join(controls)) if sign in controls} == {"\n", "\t"}


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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ✔ zwei", "plain ✔ zwei"),
        ("", ""),
        ("\u202eevil", "\u2068\u202eevil\u2069"),
        ("שלום 7", "\u2068שלום 7\u2069"),
        ("out\u2069\u202e", "\u2068out\u202e\u2069"),  # it cannot close what is around it
        ("\u2067in", "\u2068\u2067in\u2069\u2069"),
        ("\u2066a\u2069b", "\u2068\u2066a\u2069b\u2069"),
    ],
)
def test_a_text_does_not_reorder_the_sentence_around_it(text, shown):
    assert isolated(text) == shown
    assert without_marks(shown) == without_marks(text)


def test_a_terminal_is_sent_no_mark_of_direction():
    kinds = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    marks = [sign for sign in map(chr, range(0x110000)) if bidirectional(sign) in kinds]
    assert len(marks) == len(kinds)
    assert without_marks("a".join(["", *marks, ""])) == "a" * (len(marks) + 1)
