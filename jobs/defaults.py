"""Values for the settings of a project. A settings module may import this."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

# OPTIONS of a PostgreSQL in DATABASES.
POSTGRESQL_OPTIONS: dict[str, Any] = {
    # A lost server is noticed well within a worker's lease.
    "connect_timeout": 3,
    "keepalives_idle": 3,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 8000,  # milliseconds
    # No statement waits for a lock without end, and no forgotten transaction keeps one.
    "options": "-c lock_timeout=20s -c idle_in_transaction_session_timeout=5min",
}


SENTINEL_URL = re.compile(
    r"redis\+sentinel://((?P<user>[^/@:]*)(:(?P<password>[^/@]*))?@)?"
    r"(?P<sentinels>{host}(,{host})*)/(?P<master>[^/]+)(/(?P<number>\d+))?".format(
        host=r"([^/@:,\[\]]+|\[[^/@,\[\]]+\])(:\d+)?"
    )
)
SENTINEL_PORT = 26379
# redis-py would cut an idle subscription after 5 s.
_SOCKET = {"socket_timeout": None, "socket_connect_timeout": 2, "socket_keepalive": True}


def channel_layers(redis_url: str = "") -> dict[str, Any]:
    """``CHANNEL_LAYERS`` with pokes by way of a Redis, or inside each process.

    Without Redis the database itself tells one process what another one has committed. Raises
    ValueError for a ``redis+sentinel://`` that cannot be read.
    """
    if not redis_url:
        return {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    is_watched = redis_url.startswith("redis+sentinel:")
    host = _watched_host(redis_url) if is_watched else {"address": redis_url}
    return {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [host | _SOCKET | {"health_check_interval": 10}]},
        }
    }


def _watched_host(url: str) -> dict[str, Any]:
    """The Redis that Sentinels call the master; user and password are for it, not for them."""
    found = SENTINEL_URL.fullmatch(url)
    if not found:  # the value may have a password: do not repeat it
        raise ValueError(
            "A redis+sentinel URL is redis+sentinel://host:port,host:port/master/number. "
            "Number and ports may be left out."
        )
    host = {
        "master_name": found["master"],
        "sentinels": [_address(each) for each in found["sentinels"].split(",")],
        # One that hangs is passed over: an answer takes no longer than a connection.
        "sentinel_kwargs": {"socket_timeout": 2, "socket_connect_timeout": 2},
        "db": int(found["number"] or 0),
    }
    if found["user"]:
        host["username"] = unquote(found["user"])
    if found["password"]:
        host["password"] = unquote(found["password"])
    return host


def _address(text: str) -> tuple[str, int]:
    host, port = re.fullmatch(r"\[?([^\]]+?)\]?(?::(\d+))?", text).groups()  # type: ignore[union-attr]
    return host, int(port or SENTINEL_PORT)
