"""One machine with the processes that a deployment starts, on free ports."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import psutil

from tests.deployment.files import Service, copied_by_dockerfile
from tests.support import ROOT, wait_for

READY = 120.0  # seconds for a process to start on a busy machine


class Machine:
    """Runs services from a directory that has what the image has, and nothing else."""

    def __init__(self, directory: Path) -> None:
        self.root = directory / "image"
        self.root.mkdir()
        for name in copied_by_dockerfile():
            path = ROOT / name
            copy = shutil.copytree if path.is_dir() else shutil.copy
            copy(path, self.root / name)
        self._home = directory
        self._running: dict[str, tuple[subprocess.Popen, Service]] = {}
        self.log = directory / "output"

    def start(self, name: str, service: Service) -> None:
        with self.log.open("a") as output:
            process = subprocess.Popen(
                self._words(service.command),
                cwd=self.root,
                env=self._environment(service.env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # the test's own Ctrl-C ends it below
            )
        self._running[name] = process, service

    def run(self, service: Service, **env: str) -> str:
        """What a command prints that ends by itself, with 0."""
        done = subprocess.run(
            self._words(service.command),
            cwd=self.root,
            env=self._environment(service.env | env),
            capture_output=True,
            text=True,
            timeout=READY,
        )
        assert done.returncode == 0, f"{service.command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def manage(self, like: Service, *arguments: str, **env: str) -> str:
        """``manage.py`` with these arguments, in the environment of the service *like*."""
        return self.run(replace(like, command=["python", "manage.py", *arguments]), **env)

    def wait_until_healthy(self, name: str) -> None:
        process, service = self._running[name]

        def is_healthy() -> bool:
            assert process.poll() is None, f"{name} ended: {self.log.read_text()}"
            words = self._words(list(service.healthcheck))
            env = self._environment(service.env)
            return subprocess.run(words, env=env, capture_output=True).returncode == 0

        wait_for(is_healthy, READY, f"{name} to be healthy: {self.log.read_text()}")

    def stop(self, *names: str) -> dict[str, int]:
        """Ask them all to stop. The exit codes of those that did in the time that they have."""
        began = time.monotonic()
        stopping = {name: self._running.pop(name) for name in names}
        for process, service in stopping.values():
            process.send_signal(service.stop_signal)
        codes = {}
        try:
            for name, (process, service) in stopping.items():
                left = began + service.stop_seconds - time.monotonic()
                codes[name] = process.wait(max(left, 0.01))
        finally:
            for process, _ in stopping.values():
                _kill(process)
        return codes

    def end(self) -> None:
        for process, _ in self._running.values():
            _kill(process)

    def _words(self, words: list[str]) -> list[str]:
        """Both files start Python and Caddy by names that this machine need not have."""
        name = Path(words[0]).name
        return [sys.executable if name == "python" else name, *words[1:]]

    def _environment(self, env: Mapping[str, str]) -> dict[str, str]:
        """Nothing of the test run's own but what makes it find programs and definitions."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self._home),
            "PYTHONPATH": str(ROOT),
            "DJANGO_SETTINGS_MODULE": "tests.deployment.settings",
            **env,
        }


def _kill(process: subprocess.Popen) -> None:
    if process.poll() is None:
        family = psutil.Process(process.pid).children(recursive=True)
        for each in family:
            each.send_signal(signal.SIGKILL)
        process.kill()
        process.wait()
