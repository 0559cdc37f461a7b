"""The servers that the queues need: a private PostgreSQL and a private Redis."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import processes
from benchmarks.support import free_port

START_SECONDS = 60.0
# As installed, but said here: durable. Nothing else is tuned, for anybody.
OPTIONS = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


class PostgreSQL:
    """A new cluster in *directory*, which *ending* stops."""

    user = "peers"

    def __init__(self, ending: ExitStack, directory: Path) -> None:
        # It refuses to run as root.
        self._who: dict[str, Any] = {"user": "postgres"} if os.getuid() == 0 else {}
        data = directory / "postgresql"
        data.mkdir(mode=0o700)
        if self._who:
            shutil.chown(data, "postgres")
        self.port = free_port()
        initdb = [
            *(_program("initdb"), "-D", str(data), "-U", self.user),
            *("-A", "trust", "-E", "UTF8", "--no-locale"),
        ]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd="/", **self._who)
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            **OPTIONS,
        }
        settings = [word for pair in options.items() for word in ("-c", "{}={}".format(*pair))]
        command = [_program("postgres"), "-D", str(data), *settings]
        log = directory / "postgresql.log"
        self.pid = processes.start(ending, command, log=log, **self._who).pid
        _wait_for_port(self.port)

    def new_database(self, name: str) -> dict[str, str]:
        """Make *name* anew; the environment variables that lead to it."""
        with self._connect() as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{name}"')
            connection.execute("CHECKPOINT")  # a subject pays for no earlier one's writes
        return {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.port),
            "PGUSER": self.user,
            "PGDATABASE": name,
            "DATABASE_URL": f"postgres://{self.user}@127.0.0.1:{self.port}/{name}",
        }

    def version(self) -> str:
        with self._connect() as connection:
            return str(connection.execute("SHOW server_version").fetchall()[0][0]).split()[0]

    def _connect(self) -> psycopg.Connection[Any]:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return psycopg.connect(
                    f"postgres://{self.user}@127.0.0.1:{self.port}/postgres", autocommit=True
                )
            except psycopg.OperationalError:  # it is starting up
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)


class Redis:
    """A new server without a file on the disk, which *ending* stops."""

    def __init__(self, ending: ExitStack, directory: Path) -> None:
        self.port = free_port()
        command = [_program("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--appendonly", "no"]
        self.pid = processes.start(ending, command, log=directory / "redis.log").pid
        self.url = f"redis://127.0.0.1:{self.port}/0"
        _wait_for_port(self.port)

    def version(self) -> str:
        said = subprocess.run(["redis-server", "--version"], capture_output=True, text=True).stdout
        return said.partition("v=")[2].split()[0]


def _program(name: str) -> str:
    """Where Debian has PostgreSQL's programs, or where the PATH leads."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    path = str(found[-1]) if found else shutil.which(name)
    if not path:
        raise SystemExit(f"{name} is missing. On Debian: apt install postgresql redis-server")
    return path


def _wait_for_port(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
