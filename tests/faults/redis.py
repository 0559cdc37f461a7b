"""A Redis of the test's own, on a free port, that can be stopped, paused and emptied."""

from __future__ import annotations

import signal
import subprocess

from redis import Redis, RedisError

from tests.support import wait_for
from tests.support.ports import free_ports


class RedisServer:
    def __init__(self, directory) -> None:
        self._directory = directory
        [self.port] = free_ports(1)
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen | None = None
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                *("redis-server", "--port", str(self.port), "--bind", "127.0.0.1"),
                *("--save", "", "--appendonly", "no", "--dir", str(self._directory)),
            ],
            stdout=subprocess.DEVNULL,
        )
        wait_for(self._answers, what="redis-server to answer")

    def stop(self) -> None:
        if self.process:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
            self.process = None

    def pause(self) -> None:
        """It keeps its connections and answers nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def command(self, *words: str):
        with Redis.from_url(self.url) as client:
            return client.execute_command(*words)

    def subscriptions(self) -> int:
        """How many groups have a subscriber."""
        return len(self.command("PUBSUB", "CHANNELS", "asgi__group__*"))

    def _answers(self) -> bool:
        try:
            return self.command("PING")
        except RedisError:
            return False
