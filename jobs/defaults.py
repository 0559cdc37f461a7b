"""Values for the settings of a project. A settings module may import this."""

from __future__ import annotations

from typing import Any

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


def channel_layers(redis_url: str = "") -> dict[str, Any]:
    """``CHANNEL_LAYERS`` with pokes by way of a Redis, or inside each process.

    Without Redis the database itself tells one process what another one has committed.
    """
    if not redis_url:
        return {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    host = {
        "address": redis_url,
        "socket_timeout": None,  # redis-py would cut an idle subscription after 5 s
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
        "health_check_interval": 10,
    }
    return {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [host]},
        }
    }
