"""The list of all definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.module_loading import autodiscover_modules

from ..exceptions import UnknownDefinition
from .secret import names_of

if TYPE_CHECKING:
    from .base import JobDefinition

_registered: list[type[JobDefinition]] = []


def add(cls: type[JobDefinition]) -> None:
    """Register a definition; every subclass does so when its class body ends."""
    _registered.append(cls)


def everything() -> list[type[JobDefinition]]:
    """Every definition, also those that share a name."""
    return list(_registered)


def autodiscover() -> None:
    """Import ``jobs.py`` of every installed app; their definitions register themselves."""
    autodiscover_modules("jobs")


def registered() -> dict[str, type[JobDefinition]]:
    """Every definition by name, in alphabetical order."""
    return {cls.name: cls for cls in sorted(_registered, key=lambda cls: cls.name)}


def get(name: str) -> type[JobDefinition]:
    """The definition of that name. Raises UnknownDefinition."""
    found = next((cls for cls in reversed(_registered) if cls.name == name), None)
    if found is None:
        raise UnknownDefinition(name, list(registered()))
    return found


def queues() -> list[str]:
    """The queues that steps of some definition are for, in alphabetical order."""
    steps = (step for cls in registered().values() for step in cls.steps().values())
    return sorted({step.queue for step in steps})


def have_secrets() -> bool:
    """Whether a definition has secret parameters."""
    return any(names_of(getattr(cls.Params, "base_fields", {})) for cls in registered().values())


def known_steps() -> dict[str, list[str]]:
    """The step names of every definition: what this process can run."""
    return {name: list(cls.steps()) for name, cls in registered().items()}
