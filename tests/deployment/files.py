"""What ``docs/deploy`` starts: the services of ``compose.yaml``, and the units of systemd."""

from __future__ import annotations

import re
import shlex
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.support import ROOT

DEPLOY = ROOT / "docs/deploy"
UNITS = DEPLOY / "systemd"
CADDY_UNIT = Path("/lib/systemd/system/caddy.service")  # Debian's, to which ours adds


@dataclass(frozen=True)
class Service:
    command: list[str]
    env: dict[str, str]
    stop_seconds: float  # between the request to stop and SIGKILL
    stop_signal: signal.Signals = signal.SIGTERM
    healthcheck: tuple[str, ...] = ()


def variables(text: str) -> dict[str, str]:
    """Those of a file of lines NAME=value, which systemd and compose read alike."""
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


def example() -> dict[str, str]:
    return variables((DEPLOY / "env.example").read_text())


# --- compose --------------------------------------------------------------------------------------


def composed(env: Mapping[str, str]) -> dict[str, Service]:
    """The services by name, when .env says *env*."""
    text = _interpolated((DEPLOY / "compose.yaml").read_text(), env)
    services = yaml.safe_load(text)["services"]
    return {name: _composed(service) for name, service in services.items()}


def _composed(service: dict) -> Service:
    test = service.get("healthcheck", {}).get("test", ["CMD"])
    assert test[0] == "CMD"
    return Service(
        command=shlex.split(service.get("command", "")),
        env={name: str(value) for name, value in service.get("environment", {}).items()},
        stop_seconds=_seconds(service.get("stop_grace_period", "10s")),
        stop_signal=signal.Signals[service.get("stop_signal", "SIGTERM")],
        healthcheck=tuple(test[1:]),
    )


def _interpolated(text: str, env: Mapping[str, str]) -> str:
    """``${NAME}``, ``${NAME:-if empty}`` and ``${NAME:?what to do if empty}``."""

    def value(found: re.Match[str]) -> str:
        name, how, word = found.groups()
        if given := env.get(name):
            return given
        assert how != "?", f"{name} is missing: {word}"
        return word or ""

    return re.sub(r"\$\{(\w+)(?::([-?])([^}]*))?\}", value, text)


def _seconds(duration: str) -> float:
    return float(re.fullmatch(r"(\d+)s?", duration)[1])


# --- systemd --------------------------------------------------------------------------------------


def unit(name: str, env: Mapping[str, str]) -> Service:
    """A unit by name, such as ``truestep-worker@gpu``, when /etc/truestep/env says *env*."""
    template, _, instance = name.partition("@")
    files = [UNITS / f"{template}@.service"] if instance else [CADDY_UNIT]
    files += sorted((UNITS / f"{name}.service.d").glob("*.conf"))
    lines = [
        (key, value.replace("%i", instance))
        for path in files
        for key, value in _assignments(path.read_text())
    ]
    found = dict(lines)
    assert found.get("KillSignal", "SIGTERM") == "SIGTERM"
    assert found.get("KillMode") == "mixed" or not instance or found["Type"] == "oneshot"
    its = {}
    for key, value in lines:
        if key == "Environment":
            its |= dict(pair.split("=", 1) for pair in shlex.split(value))
    for key, value in lines:
        if key == "EnvironmentFile":
            its |= _environment_file(value, env)
    words = shlex.split(found["ExecStart"])
    return Service(
        command=[re.sub(r"\$\{(\w+)\}", lambda name: its[name[1]], word) for word in words],
        env=its,
        stop_seconds=_seconds(found.get("TimeoutStopSec", "90")),
    )


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if line and line[0] not in "#[":
            key, _, value = line.partition("=")
            yield key, value


def _environment_file(value: str, env: Mapping[str, str]) -> Mapping[str, str]:
    if value == "/etc/truestep/env":
        return env
    path = DEPLOY / Path(value).name
    if value.startswith("-") and not path.exists():
        return {}
    return variables(path.read_text())


# --- the image ------------------------------------------------------------------------------------


def copied_by_dockerfile() -> list[str]:
    """What of the checkout is in the image."""
    found = re.findall(r"^COPY (\S+) (\S+)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    assert all(target in (".", source) for source, target in found)
    return [source for source, _ in found]
