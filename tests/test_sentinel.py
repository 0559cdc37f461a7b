"""``redis+sentinel://``: the channel layer asks Sentinels which Redis is the master."""

from __future__ import annotations

import pytest
from channels.layers import channel_layers as configured

from jobs import news
from jobs.defaults import channel_layers
from tests.faults.sentinel import WatchedRedis
from tests.support import wait_for


def host_of(url):
    [host] = channel_layers(url)["default"]["CONFIG"]["hosts"]
    return host


def test_the_url_names_sentinels_the_master_and_who_may_use_it():
    host = host_of("redis+sentinel://ada:p%2Fw@a.test,[::1]:7,b.test:8/main/2")
    assert host["sentinels"] == [("a.test", 26379), ("::1", 7), ("b.test", 8)]
    assert (host["master_name"], host["db"]) == ("main", 2)
    assert (host["username"], host["password"]) == ("ada", "p/w")
    assert not {"username", "password"} & host["sentinel_kwargs"].keys()
    assert host_of("redis+sentinel://:secret@a.test/main").get("username") is None


@pytest.mark.parametrize("rest", ["a.test", "a.test/", "/main", "a:b/main", "ada:secret@/main/0"])
def test_a_malformed_url_is_refused_and_its_password_not_shown(rest):
    with pytest.raises(ValueError, match=r"redis\+sentinel://host:port,host:port/master") as raised:
        channel_layers(f"redis+sentinel://{rest}")
    assert "secret" not in str(raised.value)


@pytest.fixture
def watched(tmp_path, settings, monkeypatch):
    """Two Redis servers with Sentinels; pokes of this process go through them."""
    server = WatchedRedis(tmp_path)
    settings.CHANNEL_LAYERS = channel_layers(server.url)
    monkeypatch.setattr(configured, "backends", {})
    monkeypatch.setattr(news, "_publisher", news._Publisher())
    yield server
    server.stop()


@pytest.mark.slow
def test_pokes_follow_a_failover(watched):
    assert news.probe() == "reachable"
    watched.fail_over()
    wait_for(lambda: news.probe() == "reachable", what="a message goes there and back")
    assert len(watched.master().command("PUBSUB", "CHANNELS", "asgi*")) == 1
