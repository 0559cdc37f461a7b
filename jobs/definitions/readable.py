"""Kept values for readers: as plain JSON for programs, as a few words for people."""

from __future__ import annotations

import json
from datetime import datetime, time, timedelta
from typing import Any

from ..redaction import HIDDEN
from .coded import Coded
from .moments import in_iso_format, is_ambiguous


def plain(coded: Coded) -> Any:
    """A kept value as JSON without type names; types that JSON lacks become text."""
    if isinstance(coded, list):
        return [plain(item) for item in coded]
    if not isinstance(coded, dict):
        return coded
    [(tag, content)] = coded.items()
    match tag:
        case "$secret":
            return HIDDEN
        case "$int":
            return int(content)
        case "$tuple" | "$set" | "$frozenset":
            return plain(content)
        case "$dict":
            return {words(key): plain(value) for key, value in content}
        case "$datetime":
            return in_iso_format(datetime, content)
        case "$time":
            return in_iso_format(time, content)
        case "$timedelta":
            return str(timedelta(*content))
        case "$enum":
            return plain(content[-1])
        case "$object":
            return {"model": content["model"], "pk": plain(content["pk"]), "text": content["text"]}
        case "$queryset":
            return [plain({"$object": content | each}) for each in content["objects"]]
    return content


def words(coded: Coded) -> str:
    """A kept value in a few words, the same in every language and time zone."""
    match coded:
        case None:
            return ""
        case bool():
            return "yes" if coded else "no"
        case str():
            return coded
        case list():
            return ", ".join(map(words, coded))
        case {"$tuple": items} | {"$set": items} | {"$frozenset": items}:
            return ", ".join(map(words, items))
        case {"$datetime": [bare, _, str() as zone] as content}:
            if is_ambiguous(content):
                bare = in_iso_format(datetime, content)
            return f"{bare.replace('T', ' ')} {zone}"
        case {"$datetime": content}:
            return in_iso_format(datetime, content).replace("T", " ")
        case {"$object": content}:
            return content["text"] or object_name(content["model"], content)
        case {"$queryset": content}:
            return ", ".join(words({"$object": content | each}) for each in content["objects"])
        case {"$enum": [_, _, value]}:
            return words(value)
        case {"$dict": _}:
            return json.dumps(plain(coded), ensure_ascii=False)
    return str(plain(coded))


def object_name(model: str, content: dict[str, Any]) -> str:
    """A database object by its model, its primary key and, where it has one, its text."""
    text = f" ({content['text']})" if content["text"] else ""
    return f"{model} {words(content['pk'])}{text}"
