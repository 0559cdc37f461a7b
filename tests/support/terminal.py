"""A pseudo-terminal with a command in it, read by pyte."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator

import pyte

from tests.support import ROOT, wait_for


def _enter() -> None:
    """As under an interactive shell, also when the tests run in the background."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


class Terminal:
    """A command in a terminal of its own; ``lines`` is what it shows now.

    Output is drawn only when a test looks: drawing takes longer than writing.
    """

    def __init__(
        self,
        *arguments: str,
        columns: int = 90,
        rows: int = 24,
        shell: str = "",
        **env: str,
    ) -> None:
        """*shell* is a script that runs the command, which is its ``"$@"``."""
        self._master, slave = pty.openpty()
        self._is_open = True
        self._output: list[tuple[float, bytes]] = []
        self._drawn = 0  # pieces of output
        self._screen = pyte.HistoryScreen(columns, rows, history=5000, ratio=0.5)
        self._stream = pyte.ByteStream(self._screen)
        self.resize(columns, rows)
        self.process = subprocess.Popen(
            [
                *(("sh", "-c", shell, "sh") if shell else ()),
                *(sys.executable, str(ROOT / "manage.py"), *arguments),
            ],
            cwd=ROOT,
            env={name: os.environ[name] for name in os.environ if name not in ("LINES", "COLUMNS")}
            | {"DJANGO_SETTINGS_MODULE": "tests.settings", "TERM": "xterm-256color"}
            | env,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=_enter,
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while self._is_open:
            if not select.select([self._master], [], [], 0.05)[0]:
                continue
            try:
                data = os.read(self._master, 65536)
            except OSError:  # the other side is closed
                return
            self._output.append((time.time(), data))

    def _draw(self) -> Iterator[float]:
        while self._drawn < len(self._output):
            at, data = self._output[self._drawn]
            self._drawn += 1
            self._stream.feed(data)
            yield at

    def _draw_all(self) -> pyte.HistoryScreen:
        for _ in self._draw():
            pass
        return self._screen

    def replay(self) -> Iterator[tuple[float, list[str]]]:
        """Each time it wrote (seconds since 1970) since the last look, and what it showed then."""
        for at in self._draw():
            yield at, _lines_on(self._screen)

    def resize(self, columns: int, rows: int) -> None:
        self._draw_all()
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._screen.resize(rows, columns)

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    @property
    def raw(self) -> bytes:
        return b"".join(data for _, data in self._output)

    @property
    def lines(self) -> list[str]:
        """Without empty ones, and with single blanks between words."""
        return _lines_on(self._draw_all())

    @property
    def cursor_is_hidden(self) -> bool:
        return self._draw_all().cursor.hidden

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

    def close(self) -> None:
        """Close the terminal, as its window does; harmless to repeat."""
        if self._is_open:
            self._is_open = False
            self._reader.join(5)
            os.close(self._master)

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.close()


def _lines_on(screen: pyte.HistoryScreen) -> list[str]:
    return [" ".join(line.split()) for line in screen.display if line.strip()]
