"""Hides secrets in what a step says: ``***`` stands for each of them.

A secret is found as it is, and as Python, JSON, HTML, URLs and base64 write it.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

HIDDEN = "***"
SHORTEST = 6  # characters: to hide shorter secrets would hide what is none


class Redactor:
    """Calling it hides these secrets in a text."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets for form in _forms(secret) if _is_long_enough(form)}
        self._forms = sorted(forms, key=len, reverse=True)  # one may begin with another
        self._pattern = re.compile("|".join(map(re.escape, self._forms))) if forms else None

    def __bool__(self) -> bool:
        return self._pattern is not None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self._forms)} forms>"

    def __call__(self, text: str) -> str:
        return self._pattern.sub(HIDDEN, text) if self._pattern else text

    def is_in(self, text: str) -> bool:
        """Whether the text has something to hide."""
        return self._pattern is not None and self._pattern.search(text) is not None

    def in_json(self, value: Any) -> Any:
        """The same value of JSON, with all its text redacted."""
        if not self:
            return value
        if isinstance(value, str):
            return self(value)
        if isinstance(value, list):
            return [self.in_json(item) for item in value]
        if isinstance(value, dict):
            return {self(key): self.in_json(item) for key, item in value.items()}
        if isinstance(value, int | float) and self.is_in(str(value)):
            return HIDDEN
        return value

    def stream(self) -> Stream:
        """For bytes that arrive in pieces."""
        return Stream([form.encode("utf-8", "backslashreplace") for form in self._forms])


class Stream:
    """Hides secrets in bytes that arrive in pieces, also where one is in two of them.

    What may be the beginning of a secret is held back until more has arrived.
    """

    def __init__(self, forms: Iterable[bytes] = ()) -> None:
        self._forms = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile(b"|".join(map(re.escape, self._forms))) if self._forms else None
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """The bytes that are certain now, redacted."""
        if self._pattern is None:
            return data
        data, at, kept = self._held + data, 0, []
        begun = self._beginning(data, 0)
        for found in self._pattern.finditer(data):
            if found.start() >= begun:  # a longer one may begin there
                break
            kept += [data[at : found.start()], HIDDEN.encode()]
            at = found.end()
            if at > begun:
                begun = self._beginning(data, at)
        self._held = data[begun:]
        return b"".join([*kept, data[at:begun]])

    def end(self) -> bytes:
        """The rest: no more can arrive. The first part of a secret is hidden, too."""
        rest, self._held = self._held, b""
        if len(rest) >= SHORTEST:
            return HIDDEN.encode()
        return rest

    def _beginning(self, data: bytes, start: int) -> int:
        """Where at the end of *data*, from *start* on, a secret may have begun."""
        first = len(data)
        for form in self._forms:
            if data[-1:] not in form:  # as the end of a line is in few
                continue
            at = data.find(form[:1], max(start, len(data) - len(form) + 1))
            while 0 <= at < first:
                if form.startswith(data[at:]):
                    first = at
                at = data.find(form[:1], at + 1)
        return first


def _is_long_enough(text: str) -> bool:
    return len(text.strip()) >= SHORTEST


def _forms(secret: str) -> Iterator[str]:
    """The ways in which a secret may be written."""
    if not _is_long_enough(secret):
        return
    yield from _in_base64(secret)
    lines = [line.strip() for line in secret.splitlines()]  # a log may indent each
    for text in {secret, secret.strip(), *filter(_is_long_enough, lines)}:
        for escaped in {text, *_escaped(text)}:
            yield escaped
            yield from _escaped(escaped)  # JSON in JSON, or in an error
        yield html.escape(text)
        raw = text.encode("utf-8", "backslashreplace")
        for quoted in (quote(raw), quote(raw, safe=""), quote_plus(raw)):
            yield quoted
            yield re.sub("%[0-9A-F]{2}", lambda code: code[0].lower(), quoted)


def _escaped(text: str) -> Iterator[str]:
    for write in (repr, ascii):
        yield write(text)[1:-1]
        yield write('"' + text)[2:-1]  # beside a double quote, they escape single ones
    yield repr(text.encode("utf-8", "backslashreplace"))[2:-1]
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]


def _in_base64(secret: str) -> Iterator[str]:
    """The characters that are its own, wherever it is in what is encoded: as in ``user:secret``."""
    raw = secret.encode("utf-8", "backslashreplace")
    for before in range(3):
        text = base64.b64encode(b"\0" * before + raw).decode()
        own = text[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        yield own
        yield own.replace("+", "-").replace("/", "_")
