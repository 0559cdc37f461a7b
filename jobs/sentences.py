"""Sentences with moments in them, which page and terminal write in the zone of their reader."""

from __future__ import annotations

from datetime import datetime
from string import Formatter
from typing import Any

from .times import rfc3339

Sentence = list[str | datetime]  # pieces of text and moments; empty: there is nothing to say


def sentence(template: str, **values: Any) -> Sentence:
    """*template* with its ``{fields}`` filled in; a moment stays a moment."""
    pieces: Sentence = []
    for text, name, spec, _ in Formatter().parse(template):
        pieces.append(text)
        if name is not None:
            value = values[name]
            pieces.append(value if isinstance(value, datetime) else format(value, spec or ""))
    return _merged(pieces)


def joined(*sentences: Sentence) -> Sentence:
    """These sentences as one text; empty ones are left out."""
    pieces: Sentence = []
    for each in filter(None, sentences):
        pieces += [" ", *each] if pieces else each
    return _merged(pieces)


def as_json(pieces: Sentence) -> list[Any]:
    """Text as it is, a moment as ``{"at": …}`` with its time in RFC 3339."""
    return [piece if isinstance(piece, str) else {"at": rfc3339(piece)} for piece in pieces]


def _merged(pieces: Sentence) -> Sentence:
    merged: Sentence = []
    for piece in pieces:
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        elif piece != "":
            merged.append(piece)
    return merged
