"""A PgBouncer in transaction mode, in front of a PostgreSQL of the test's own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from tests.support.ports import free_ports
from tests.support.waiting import wait_for


class PgBouncer:
    """``url`` leads to the database that *target* names; settings say that there is a pooler by
    DISABLE_SERVER_SIDE_CURSORS.
    """

    def __init__(self, directory: Path, target: str) -> None:
        to = urlsplit(target)
        [port] = free_ports(1)
        name = to.path.strip("/")
        self.url = f"postgres://{to.username}@127.0.0.1:{port}/{name}"
        self._program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
        self._settings = directory / "pgbouncer.ini"
        password = f" password={to.password}" if to.password else ""
        lines = [
            "[databases]",
            f"* = host={to.hostname} port={to.port} user={to.username}{password}",
            "[pgbouncer]",
            "listen_addr = 127.0.0.1",
            f"listen_port = {port}",
            "unix_socket_dir =",
            "auth_type = any",
            "pool_mode = transaction",
            "ignore_startup_parameters = options",
        ]
        self._settings.write_text("\n".join(lines) + "\n")
        self._settings.chmod(0o644)
        # It refuses to run as root.
        self._who = {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [self._program, "-q", str(self._settings)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            **self._who,
        )
        wait_for(self._answers, what="PgBouncer to answer")

    def stop(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url).close()
        except psycopg.OperationalError:
            return False
        return True
