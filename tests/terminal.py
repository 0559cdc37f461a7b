"""A pseudo-terminal with a command in it, read by pyte."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable

import pyte

from tests.support import ROOT, wait_for


class Terminal:
    """A command in a terminal of its own; ``lines`` is what it shows now."""

    def __init__(
        self,
        *arguments: str,
        columns: int = 90,
        rows: int = 24,
        on_output: Callable[[], None] = lambda: None,
        **env: str,
    ) -> None:
        self._on_output = on_output
        self._master, slave = pty.openpty()
        self.raw = b""
        self._screen = pyte.HistoryScreen(columns, rows, history=5000, ratio=0.5)
        self._stream = pyte.ByteStream(self._screen)
        self.resize(columns, rows)
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            cwd=ROOT,
            env={name: os.environ[name] for name in os.environ if name not in ("LINES", "COLUMNS")}
            | {"DJANGO_SETTINGS_MODULE": "tests.settings", "TERM": "xterm-256color"}
            | env,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, 65536)
            except OSError:  # the other side is closed
                return
            self.raw += data
            self._stream.feed(data)
            self._on_output()

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._screen.resize(rows, columns)

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    @property
    def lines(self) -> list[str]:
        """Without empty ones, and with single blanks between words."""
        return [" ".join(line.split()) for line in self._screen.display if line.strip()]

    @property
    def cursor_is_hidden(self) -> bool:
        return self._screen.cursor.hidden

    def shows(self, *texts: str, seconds: float = 20) -> list[str]:
        """Wait until a line has each of the texts."""

        def found():
            lines = self.lines
            return lines if all(any(text in line for line in lines) for text in texts) else None

        try:
            return wait_for(found, seconds)
        except AssertionError:
            raise AssertionError(f"not shown: {texts} in\n" + "\n".join(self.lines)) from None

    def wait(self, seconds: float = 60) -> int:
        code = self.process.wait(seconds)
        self._reader.join(5)
        return code

    def end(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self._reader.join(5)
        os.close(self._master)
