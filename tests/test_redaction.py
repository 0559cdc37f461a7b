"""Secrets are hidden in text and in bytes, however they are written and cut."""

from __future__ import annotations

import base64
import html
import json
import re
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.redaction import HIDDEN, SHORTEST, Redactor

ODD = "p4ss\"w'rd\\/+ü <&>\t%"
KEY = "-----BEGIN KEY-----\nabc/def+ghi=\nshort\nlast line of it\n-----END KEY-----\n"


@pytest.mark.parametrize(
    "write",
    [
        str,
        repr,
        ascii,
        json.dumps,
        lambda secret: json.dumps(secret, ensure_ascii=False),
        lambda secret: json.dumps({"message": json.dumps({"token": secret})}),
        lambda secret: repr({"token": secret, "also": "it's"}),
        lambda secret: repr([f'say "{secret}"', "it's"]),
        lambda secret: repr(secret.encode()),
        html.escape,
        quote,
        quote_plus,
        lambda secret: quote(secret, safe=""),
        lambda secret: re.sub("%..", lambda code: code[0].lower(), quote(secret)),
        lambda secret: urlencode({"token": secret}),
    ],
)
@pytest.mark.parametrize("secret", ["hunter2", "sk_live-0123.45~x", ODD, "pässwörd", KEY])
def test_a_secret_is_hidden_as_it_is_usually_written(write, secret):
    text = f"GET /?token={write(secret)} 200"
    said = Redactor([secret])(text)
    assert HIDDEN in said
    assert not any(word in said for word in ("hunter2", "live-0123", "p4ss", "ssw", "abc", "def+"))


@pytest.mark.parametrize("before", ["", "u", "us", "use", "user:"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_secret_is_hidden_in_what_base64_makes_of_it(before, encode):
    secret = "hunter2?>~ÿ"
    encoded = encode(f"{before}{secret}:".encode()).decode()
    said = Redactor([secret])(f"Authorization: Basic {encoded}")
    assert HIDDEN in said
    assert len(said) < len(f"Authorization: Basic {before}") + 14


def test_a_line_of_a_secret_is_hidden_by_itself():
    hide = Redactor([KEY])
    assert hide("    abc/def+ghi=") == f"    {HIDDEN}"
    assert hide("short") == "short"


def test_short_secrets_are_not_hidden():
    assert SHORTEST == 6
    hide = Redactor(["12345", " 123 ", ""])
    assert not hide
    assert hide("12345") == "12345"
    assert Redactor(["123456"])("is 1234567") == f"is {HIDDEN}7"


def test_the_longest_secret_is_hidden_first():
    hide = Redactor(["hunter2", "hunter2-and-more"])
    assert hide("hunter2-and-more, hunter2") == f"{HIDDEN}, {HIDDEN}"


def test_results_are_hidden_at_any_depth():
    hide = Redactor(["hunter2", "1234567"])
    result = {"a": ["hunter2", {"hunter2": None}], "n": 1234567, "f": 1.5, "yes": True}
    assert hide.in_json(result) == {
        "a": [HIDDEN, {HIDDEN: None}],
        "n": HIDDEN,
        "f": 1.5,
        "yes": True,
    }


def test_it_does_not_show_what_it_hides():
    assert "hunter2" not in repr(Redactor(["hunter2"]))


# --- bytes that arrive in pieces ------------------------------------------------------------------


def streamed(secrets, pieces):
    stream = Redactor(secrets).stream()
    return b"".join([*map(stream.feed, pieces), stream.end()])


@given(st.lists(st.integers(0, 60), max_size=8))
def test_a_secret_is_hidden_wherever_it_is_cut(places):
    text = b"say hunter2-and-more, xhunter2 and hunter2-and.\nhunter2"
    cuts = sorted({min(place, len(text)) for place in places})
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    said = streamed(["hunter2", "hunter2-and-more", "ter2-and."], pieces)
    assert said == b"say ***, x*** and ***-and.\n***"


@given(st.lists(st.sampled_from([b"abc", b"abcabc", b"abcabd", b"cab", b"x"]), max_size=12))
def test_pieces_are_hidden_as_the_whole(pieces):
    secrets = ["abcabd", "cababcabc", "abdabcx"]
    assert streamed(secrets, pieces).replace(b"***", b"") == streamed(
        secrets, [b"".join(pieces)]
    ).replace(b"***", b"")


def test_a_secret_of_several_lines_is_hidden():
    raw = KEY.encode()
    pieces = [b"key:\n" + raw[:15], raw[15:36], raw[36:60], raw[60:]]
    assert streamed([KEY], pieces) == b"key:\n***"


def test_nothing_is_held_back_but_the_beginning_of_a_secret():
    stream = Redactor(["hunter2"]).stream()
    assert stream.feed(b"to hunt") == b"to "
    assert stream.feed(b"ing\n") == b"hunting\n"
    assert stream.feed(b"hunte") == b""
    assert stream.end() == b"hunte"
    assert stream.end() == b""


def test_the_larger_part_of_a_secret_is_hidden_at_the_end():
    stream = Redactor(["hunter2-and-more"]).stream()
    assert stream.feed(b"hunter2-an") == b""
    assert stream.end() == b"***"


def test_without_secrets_bytes_pass():
    stream = Redactor().stream()
    assert stream.feed(b"anything") == b"anything"
    assert stream.end() == b""
