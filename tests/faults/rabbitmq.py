"""A RabbitMQ of the test's own, on free ports, that can be stopped and started again."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import ExitStack

from kombu import Connection
from kombu.exceptions import OperationalError

from tests.support import wait_for
from tests.support.ports import free_ports

SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server"  # not the wrapper, which would change the user


class RabbitServer:
    """One node with a name, directories and an epmd of its own, as whoever runs the tests."""

    def __init__(self, directory) -> None:
        self._directory = directory
        self.port, distribution, epmd = free_ports(3)
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        self._env = os.environ | {
            "HOME": str(directory),  # of its .erlang.cookie
            "ERL_EPMD_PORT": str(epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"truestep{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": str(directory / "mnesia"),
            "RABBITMQ_LOG_BASE": str(directory / "log"),
            "RABBITMQ_PID_FILE": str(directory / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "plugins"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        }
        (directory / "log").mkdir()
        # A node would start one as a daemon, which outlives it.
        self._epmd = subprocess.Popen([shutil.which("epmd"), "-port", str(epmd)], env=self._env)
        self.process: subprocess.Popen | None = None
        try:
            self.start()
        except BaseException:
            self.end()
            raise

    def start(self) -> None:
        with ExitStack() as stack:
            log = stack.enter_context((self._directory / "log" / "console").open("ab"))
            self.process = subprocess.Popen(
                [SERVER], env=self._env, stdout=log, stderr=log, start_new_session=True
            )
        wait_for(self._answers, 60, "RabbitMQ to answer")

    def stop(self) -> None:
        """As if its machine had lost power."""
        if self.process:
            os.killpg(self.process.pid, 9)
            self.process.wait()
            self.process = None

    def end(self) -> None:
        self.stop()
        self._epmd.kill()
        self._epmd.wait()

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError((self._directory / "log" / "console").read_text()[-2000:])
        try:
            with Connection(self.url, connect_timeout=2) as connection:
                connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
        except OperationalError:
            return False
        return True
