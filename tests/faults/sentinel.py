"""Two Redis servers and the Sentinels that choose which of them is the master."""

from __future__ import annotations

import subprocess
from pathlib import Path

from redis import Redis, RedisError

from tests.faults.redis import RedisServer
from tests.support import wait_for
from tests.support.ports import free_ports

MASTER = "main"
SENTINELS = 3
DOWN_MILLISECONDS = 1000  # without an answer, until a Sentinel holds a server for dead


class WatchedRedis:
    """``url`` is for ``REDIS_URL``. ``fail_over`` kills the master; Sentinels promote the other."""

    def __init__(self, directory: Path) -> None:
        self.servers = [RedisServer(directory), RedisServer(directory)]
        self.servers[1].command("REPLICAOF", "127.0.0.1", str(self.servers[0].port))
        self._ports = free_ports(SENTINELS)
        self._processes = [self._start(directory, port) for port in self._ports]
        hosts = ",".join(f"127.0.0.1:{port}" for port in self._ports)
        self.url = f"redis+sentinel://{hosts}/{MASTER}/0"
        wait_for(self._is_complete, 60, "the Sentinels know each other and the replica")

    def master(self) -> RedisServer | None:
        """Which server all Sentinels call the master, once they agree."""
        ports = {self._ask(port, "GET-MASTER-ADDR-BY-NAME")[1] for port in self._ports}
        found = [server for server in self.servers if ports == {str(server.port).encode()}]
        return found[0] if found else None

    def fail_over(self) -> None:
        """Kill the master; return when the other server is the master and takes writes."""
        before = wait_for(self.master)
        [after] = [server for server in self.servers if server is not before]
        before.stop()
        wait_for(lambda: self.master() is after, 60, "the Sentinels agree on the new master")
        wait_for(lambda: after.command("ROLE")[0] == b"master", 60)

    def stop(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
        for server in self.servers:
            server.stop()

    def _start(self, directory: Path, port: int) -> subprocess.Popen[bytes]:
        configuration = directory / f"sentinel{port}.conf"  # a Sentinel rewrites it
        lines = [
            f"port {port}",
            "bind 127.0.0.1",
            f"dir {directory}",
            f"sentinel monitor {MASTER} 127.0.0.1 {self.servers[0].port} {SENTINELS // 2 + 1}",
            f"sentinel down-after-milliseconds {MASTER} {DOWN_MILLISECONDS}",
            f"sentinel failover-timeout {MASTER} 5000",
        ]
        configuration.write_text("\n".join(lines) + "\n")
        return subprocess.Popen(["redis-sentinel", str(configuration)], stdout=subprocess.DEVNULL)

    def _is_complete(self) -> bool:
        try:
            others = [len(self._ask(port, "SENTINELS")) for port in self._ports]
            replicas = [len(self._ask(port, "REPLICAS")) for port in self._ports]
        except RedisError:
            return False
        return min(others) == SENTINELS - 1 and min(replicas) == 1

    def _ask(self, port: int, *words: str):
        with Redis(port=port) as sentinel:
            return sentinel.execute_command("SENTINEL", *words, MASTER)
