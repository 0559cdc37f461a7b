"""Sentences with moments and links in them, which page and terminal write for their reader.

A moment is written in the zone of the reader; a terminal shows only the text of a link.
"""

from __future__ import annotations

from datetime import datetime
from string import Formatter
from typing import Any, NamedTuple

from .times import rfc3339


class Link(NamedTuple):
    """A text that leads to an address of this site."""

    to: str
    text: str


Piece = str | datetime | Link
Sentence = list[Piece]  # empty: there is nothing to say


def sentence(template: str, **values: Any) -> Sentence:
    """*template* with its ``{fields}`` filled in; moments and links stay what they are."""
    pieces: Sentence = []
    for text, name, spec, _ in Formatter().parse(template):
        pieces.append(text)
        if name is not None:
            value = values[name]
            is_piece = isinstance(value, datetime | Link)
            pieces.append(value if is_piece else format(value, spec or ""))
    return _merged(pieces)


def joined(*sentences: Sentence) -> Sentence:
    """These sentences as one text; empty ones are left out."""
    pieces: Sentence = []
    for each in filter(None, sentences):
        pieces += [" ", *each] if pieces else each
    return _merged(pieces)


def as_json(pieces: Sentence) -> list[Any]:
    """Text as it is, a moment as ``{"at": …}`` in RFC 3339, a link as ``{"to": …, "text": …}``."""
    return [_as_json(piece) for piece in pieces]


def _as_json(piece: Piece) -> str | dict[str, str]:
    if isinstance(piece, Link):
        return piece._asdict()
    return {"at": rfc3339(piece)} if isinstance(piece, datetime) else piece


def _merged(pieces: Sentence) -> Sentence:
    merged: Sentence = []
    for piece in pieces:
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        elif piece != "":
            merged.append(piece)
    return merged
