"""The engines that have to keep the contract (``test_contract.py``)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection

from tests.faults.rabbitmq import RabbitServer
from tests.faults.redis import RedisServer
from tests.support.engines import NO_BROKER, EngineInTest, celery, hints_sent_to

BROKERS = {"redis": "_shared_redis", "rabbitmq": "_shared_rabbitmq", "no broker": None}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """The whole contract with Celery is for ``--full``; one broker and a few tests are enough."""
    for item in items:
        broker = getattr(item, "callspec", None) and item.callspec.params.get("engine")
        is_one_of_few = broker == "redis" and item.get_closest_marker("engines")
        is_brief = is_one_of_few and connection.vendor == "sqlite"
        if broker in BROKERS and not is_brief:
            item.add_marker("full")


@pytest.fixture(params=["embedded", *BROKERS])
def engine(request, database) -> Iterator[EngineInTest]:
    if request.param == "embedded":
        yield EngineInTest()
        return
    server = BROKERS[request.param]
    url = request.getfixturevalue(server).url if server else NO_BROKER
    with hints_sent_to(url):
        yield celery(url)


@pytest.fixture(scope="session")
def _shared_redis(tmp_path_factory):
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def _shared_rabbitmq(tmp_path_factory):
    server = RabbitServer(tmp_path_factory.mktemp("rabbitmq"))
    yield server
    server.end()


@pytest.fixture
def gate(tmp_path):
    """A file that steps wait for."""
    return tmp_path / "gate"
