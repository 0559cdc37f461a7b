"""A PostgreSQL of the test's own, which can be killed and started again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import psutil

NAME = "truestep_test"  # as tests.settings has it


class PostgreSQL:
    """A server on a free port, with its data in *directory*.

    What is committed outlives the server; with *fsync* also the machine.
    """

    def __init__(self, directory: Path, fsync: str = "off") -> None:
        self._fsync = fsync
        # It refuses to run as root.
        self._who = {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}
        self._programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1]
        self._directory = directory / "postgresql"
        self._directory.mkdir(mode=0o700)
        if self._who:
            os.chmod(directory, 0o755)
            subprocess.run(["chown", "postgres:postgres", self._directory], check=True)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"postgres://truestep@127.0.0.1:{self.port}/{NAME}"
        self._run("initdb", "-D", self._directory, "-U", "truestep", "-A", "trust", "-N")
        self.process: subprocess.Popen | None = None
        self.start()
        self._wait_until_it_accepts()
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "truestep", NAME)

    def _run(self, program: str, *arguments) -> None:
        command = [self._programs / program, *arguments]
        env = {"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]}
        done = subprocess.run(
            command, capture_output=True, text=True, env=env, cwd="/", **self._who
        )
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": self._fsync,
            "max_connections": 60,
        }
        settings = [word for pair in options.items() for word in ("-c", "{}={}".format(*pair))]
        self.process = subprocess.Popen(
            [self._programs / "postgres", "-D", self._directory, *settings],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
            **self._who,
        )

    def accepts(self) -> bool:
        command = [self._programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(command).returncode == 0

    def _wait_until_it_accepts(self) -> None:
        deadline = time.monotonic() + 60
        while not self.accepts():
            assert time.monotonic() < deadline, "PostgreSQL does not accept connections"
            time.sleep(0.05)

    def restart(self) -> None:
        """As ``pg_ctl restart -m immediate``: it ends without a checkpoint, and recovers."""
        self.stop(signal.SIGQUIT)
        self.start()

    def kill_a_session(self, chance: float) -> None:
        """SIGKILL one of its processes: it ends all sessions and recovers."""
        children = psutil.Process(self.process.pid).children()
        children[int(chance * len(children))].kill()

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(30)
