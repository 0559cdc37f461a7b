"""Whatever a client sends to a real server: it is closed with a documented code, and no more."""

import json
import random
from collections import Counter
from contextlib import ExitStack, closing
from urllib.parse import urlsplit

import psutil
import pytest

from jobs.orchestrator import launch
from tests.faults.websocket import BINARY, TEXT, RawSocket
from tests.support import at_length

pytestmark = [pytest.mark.slow, pytest.mark.either]

PER_SOCKET = 20  # frames
# How a server answers what is no frame at all, not UTF-8 or far too big: Daphne hangs up.
NO_FRAME = {"daphne": {1006}, "uvicorn": {1006, 1007, 1009}}
# What it must not log; uvicorn logs a traceback of its own for what is not UTF-8.
COMPLAINTS = {"daphne": ["Traceback"], "uvicorn": ["in ASGI application", "never retrieved"]}
MIB = 2**20


@pytest.fixture
def session(client, admin_user):
    client.force_login(admin_user)
    return client.cookies["sessionid"].value


@pytest.fixture(params=NO_FRAME)
def site(request, serving):
    """A real server; ``site.name`` is that of its kind."""
    with ExitStack() as ending:
        if request.param == "daphne":
            server = request.getfixturevalue("web")
        else:
            server = ending.enter_context(serving("--no-worker", "--server", request.param))
        server.name = request.param
        yield server
    logged = "\n".join(server.errors)
    assert not any(words in logged for words in COMPLAINTS[server.name]), logged[-3000:]


def open_socket(*arguments):
    return closing(RawSocket(*arguments))


def port_of(url):
    return urlsplit(url).port


@pytest.mark.parametrize("path", ["/ws/jobs/", "/ws/jobs/{job}/"])
def test_the_origin_over_a_real_connection(site, session, path):
    path = path.format(job=launch("noop").pk)
    port = port_of(site.url)
    foreign = ["http://evil.test", "null", None, f"http://127.0.0.1:{port + 1}"]
    foreign += ["https://127.0.0.1", f"ftp://127.0.0.1:{port}", f"http://localhost:{port}"]
    for origin in foreign:
        with open_socket(site.url, path, session, origin) as refused:
            assert refused.status == 403, origin
    with open_socket(site.url, path, session) as own:
        assert own.status == 101
    with open_socket(site.url, "/ws/nothing/", session) as nowhere:
        assert nowhere.status == 403


def hostile(chance, depth=0):
    """A random JSON-like value, as bytes, text or numbers that no page would send."""
    kinds = ["number", "text", "true", "list", "object"] if depth < 4 else ["number", "text"]
    match chance.choice(kinds):
        case "number":
            return chance.choice([0, 1, -1, 1.5, 2**63 - 1, 2**63, 10**300, float("nan")])
        case "text":
            return chance.choice(["", "ack", "follow", "\ud800", "\0", "x" * 200, "<b>"])
        case "true":
            return chance.choice([True, False, None])
        case "list":
            return [hostile(chance, depth + 1) for _ in range(chance.randrange(4))]
        case _:
            keys = ("type", "n", "seq", "tag", "mark", "step", "from")
            return {key: hostile(chance, depth + 1) for key in keys if chance.random() < 0.5}


def frame(chance):
    """(kind, payload) of a frame: half of them nearly right."""
    match chance.randrange(30):
        case 0:
            return BINARY, chance.randbytes(chance.randrange(100))
        case 1:
            return TEXT, b"\xff\xfe" + chance.randbytes(10)  # not UTF-8
        case 2:
            return TEXT, b"[" * chance.choice([10, 1000, 4000])
        case 3:
            return TEXT, b'{"type": "ack", "n": ' + b"9" * chance.choice([20, 4050]) + b"}"
        case 4:
            return TEXT, b" " * chance.choice([4097, 8192, 70_000])
        case number if number < 15:
            return TEXT, json.dumps(hostile(chance)).encode()
        case _:
            kind = chance.choice(["ack", "resync", "follow", "unfollow"])
            values = {key: chance.choice([0, 1, 7, 2**63 - 1]) for key in ("n", "seq", "step")}
            tag, start = chance.choice(["", "x" * 99, "\ud800"]), chance.choice([0, 1, 2**63 - 1])
            return TEXT, json.dumps({"type": kind, "tag": tag, "from": start} | values).encode()


def is_no_frame(kind, payload):
    return kind == TEXT and (payload.startswith(b"\xff") or len(payload) > 4096)


@pytest.mark.sqlite
@pytest.mark.slow
@pytest.mark.parametrize("frames", at_length(2_000, 10_000))
def test_thousands_of_random_frames(site, session, frames):
    job = launch("noop")
    paths = ["/ws/jobs/", f"/ws/jobs/{job.pk}/", f"/ws/jobs/?ids={job.pk}"]
    [server] = psutil.Process(site.process.pid).children()
    chance = random.Random(7)
    codes = Counter()
    for number in range(frames // PER_SOCKET):
        if number == frames // PER_SOCKET // 5:
            memory = server.memory_info().rss  # warm by now
        with open_socket(site.url, chance.choice(paths), session) as raw:
            assert raw.status == 101
            raw.next()  # it is admitted, so what follows is judged
            sent = [frame(chance) for _ in range(PER_SOCKET)]
            for kind, payload in sent:
                raw.send(payload, kind)
            raw.send(b"[]")  # at the latest this one is refused
            codes[raw.closed(), any(is_no_frame(*each) for each in sent)] += 1
    print(codes, f"{(server.memory_info().rss - memory) / MIB:.1f} MiB more")
    assert codes.keys() <= {(4400, False), *((code, True) for code in (4400, *NO_FRAME[site.name]))}
    assert codes[4400, False] > frames / 200
    assert server.memory_info().rss - memory < 20 * MIB


def test_too_many_frames(site, session):
    with open_socket(site.url, "/ws/jobs/", session) as raw:
        raw.next()
        for _ in range(300):
            raw.send(b'{"type": "ack", "n": 0}')
        assert raw.closed() == 4429
