"""The ASGI application that a project makes with ``with_sockets``."""

from __future__ import annotations

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.testing import WebsocketCommunicator
from django.core.asgi import get_asgi_application

from jobs.asgi import with_sockets

HOST = [(b"host", b"testserver")]
ORIGIN = [*HOST, (b"origin", b"http://testserver")]


async def echo(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": scope["path"]})


async def status_of(application, path: str) -> int:
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": HOST}
    request = ApplicationCommunicator(application, scope)
    await request.send_input({"type": "http.request", "body": b""})
    answer = await request.receive_output(10)
    await request.wait(10)
    return answer["status"]


async def test_other_sockets_are_the_projects_own():
    application = with_sockets(get_asgi_application(), sockets=echo)
    own = WebsocketCommunicator(application, "/chat/")
    assert (await own.connect())[0]
    assert await own.receive_from() == "/chat/"
    foreign = WebsocketCommunicator(application, "/ws/jobs/", HOST)
    assert not (await foreign.connect())[0]


async def test_without_others_a_socket_that_is_not_truesteps_is_refused():
    application = with_sockets(get_asgi_application())
    assert not (await WebsocketCommunicator(application, "/chat/", ORIGIN).connect())[0]


@pytest.mark.parametrize("prefix", ["", "/tools"])
async def test_with_debug_static_files_are_served(settings, prefix):
    settings.MIDDLEWARE = [each for each in settings.MIDDLEWARE if "whitenoise" not in each]
    settings.FORCE_SCRIPT_NAME = prefix or None
    settings.STATIC_URL = "static/"
    assert await status_of(with_sockets(get_asgi_application()), "/static/truestep/icon.svg") == 404
    settings.DEBUG = True
    application = with_sockets(get_asgi_application())
    for path in {f"{prefix}/static/truestep/icon.svg", "/static/truestep/icon.svg"}:
        assert await status_of(application, path) == 200
