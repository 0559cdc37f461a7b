"""The parameters that a job keeps, and what steps, people and programs read of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..exceptions import LostParam
from . import values

# "fields" of the form; what its clean() "added"; what a field "read" before clean_…() replaced it.
Kept = dict[str, dict[str, values.Coded]]


def recall(kept: Kept, secret: Mapping[str, values.Coded] | None = None) -> dict[str, Any]:
    """What a step gets, with its secrets; database objects are fetched. Raises LostParam."""
    recalled = {}
    for name, coded in (_all(kept) | dict(secret or {})).items():
        try:
            recalled[name] = values.decode(coded)
        except values.Lost as error:
            raise LostParam(name, str(error)) from error
    return recalled


def in_words(kept: Kept) -> dict[str, str]:
    """The parameters as text for people."""
    return {name: values.words(coded) for name, coded in _all(kept).items()}


def as_json(kept: Kept) -> dict[str, Any]:
    """The parameters as JSON for programs."""
    return {name: values.plain(coded) for name, coded in _all(kept).items()}


def shown_in_form(kept: Kept) -> dict[str, values.Coded]:
    """What a launch form shows of a job's parameters; older releases kept nothing as ``read``."""
    return kept["fields"] | kept.get("read", {})


def has_secrets(kept: Kept) -> bool:
    """Whether some of the parameters were sealed at launch."""
    return values.SECRET in kept["fields"].values()


def _all(kept: Kept) -> dict[str, values.Coded]:
    return kept["fields"] | kept["added"]
