"""What is wrong with the configuration, said before the first job."""

import os
import sys
from types import SimpleNamespace

import psutil
import pytest
from celery import Celery
from django.contrib.messages.middleware import MessageMiddleware
from django.core.asgi import get_asgi_application
from django.core.management import CommandError, call_command
from django.db import DEFAULT_DB_ALIAS, connections

from jobs import checks
from jobs.database.sqlite import SQLite
from jobs.exceptions import DatabaseUnsafe
from tests.support.sqlite_releases import SQLITE_RELEASES


def test_this_project_is_sound():
    assert checks.check_definitions() == []
    assert checks.check_knobs() == []
    assert checks.check_sqlite() == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"slot": 1}, "TRUESTEP['slot'] is not a setting. Known: engine, slots"),
        ({"engine": "jobs.engines.nothing.Engine"}, "TRUESTEP['engine']: No module named"),
        ({"engine": "nothing"}, "TRUESTEP['engine']: nothing doesn't look like a module path"),
    ],
)
def test_a_malformed_setting_is_an_error_that_names_it(settings, given, words):
    settings.TRUESTEP = given
    [error] = checks.check_knobs()
    assert error.id == "truestep.E002"
    assert error.msg.startswith(words)


def test_an_engine_says_what_it_lacks(settings):
    settings.TRUESTEP = {"engine": "celery"}
    Celery("nowhere", broker=None, fixups=[]).set_default()
    [error] = checks.check_knobs()
    assert error.id == "truestep.E002"
    assert "no Celery app with a broker is loaded" in error.msg


@pytest.mark.parametrize(
    ("given", "number", "words"),
    [
        ({"USE_TZ": False}, "E020", "Set USE_TZ = True"),
        ({"FORCE_SCRIPT_NAME": "/tools/"}, "E021", "Set FORCE_SCRIPT_NAME = '/tools'."),
        ({"FORCE_SCRIPT_NAME": "tools"}, "E021", "Set FORCE_SCRIPT_NAME = '/tools'."),
        ({"FORCE_SCRIPT_NAME": "/"}, "E021", "Set FORCE_SCRIPT_NAME = None."),
        (
            {"SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies"},
            "E022",
            "a logout leaves open pages live",
        ),
        ({"ROOT_URLCONF": "django.contrib.auth.urls"}, "E023", "include('jobs.urls')"),
        ({"MIDDLEWARE": []}, "E024", "lacks 'django.contrib.sessions.middleware.Session"),
        ({"FORCE_SCRIPT_NAME": "/tools", "TIME_ZONE": "Asia/Kathmandu"}, "", ""),
    ],
)
def test_a_setting_of_django_that_breaks_a_promise_is_refused_by_name(
    settings, given, number, words
):
    for name, value in given.items():
        setattr(settings, name, value)
    found = checks.check_settings()
    assert [error.id for error in found] == ([f"truestep.{number}"] if number else [])
    for error in found:
        name, value = next(iter(given.items()))
        assert words in error.msg and (name in error.msg or value in error.msg)


def test_a_subclass_of_a_middleware_is_that_middleware(settings):
    own = f"{__name__}.Messages"
    django = "django.contrib.messages.middleware.MessageMiddleware"
    settings.MIDDLEWARE = [own if each == django else each for each in settings.MIDDLEWARE]
    assert checks.check_settings() == []


class Messages(MessageMiddleware):
    pass


@pytest.mark.parametrize(
    ("url", "is_there"),
    [
        ("login", True),
        ("/accounts/login/", True),
        ("https://login.example/", True),
        ("/login/", False),
    ],
)
def test_a_login_that_is_nowhere_is_named(settings, url, is_there):
    settings.LOGIN_URL = url
    found = checks.check_login()
    assert [warning.id for warning in found] == ([] if is_there else ["truestep.W002"])
    assert all("LOGIN_URL = 'admin:login'" in warning.msg for warning in found)


def test_without_a_channel_layer_the_check_says_which_line_to_add(settings):
    assert checks.check_channels() == []
    settings.CHANNEL_LAYERS = {}
    [warning] = checks.check_channels()
    assert warning.id == "truestep.W001"
    assert "from jobs.defaults import channel_layers" in warning.msg


PLAIN = get_asgi_application()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"CHANNEL_LAYERS": {}}, "CHANNEL_LAYERS = channel_layers()"),
        ({"ASGI_APPLICATION": None}, "ASGI_APPLICATION = 'project.asgi.application'"),
        ({"ASGI_APPLICATION": "project.asgi.nothing"}, "cannot be imported"),
        ({"ASGI_APPLICATION": f"{__name__}.PLAIN"}, "PLAIN = with_sockets(PLAIN)"),
    ],
)
def test_serve_refuses_what_is_missing_with_the_line_to_add(settings, given, words):
    for name, value in given.items():
        setattr(settings, name, value)
    with pytest.raises(CommandError) as refused:
        call_command("serve")
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("server", "missing", "extra"),
    [
        ("daphne", "daphne", "server"),
        ("uvicorn", "uvicorn", "uvicorn"),
        ("uvicorn", "websockets", "uvicorn"),  # without it, uvicorn would serve no socket
    ],
)
def test_serve_says_what_to_install_when_its_server_is_missing(monkeypatch, server, missing, extra):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(CommandError, match=rf"pip install 'truestep\[{extra}\]'"):
        call_command("serve", server=server)


@pytest.mark.parametrize(("version", "sound"), SQLITE_RELEASES)
def test_an_sqlite_that_can_corrupt_its_file_is_refused(monkeypatch, version, sound):
    class Library:
        sqlite_version_info = version
        sqlite_version = ".".join(map(str, version))

    monkeypatch.setattr(connections[DEFAULT_DB_ALIAS], "Database", Library)
    found = checks.check_sqlite()
    assert [error.id for error in found] == ([] if sound else ["truestep.E003"])
    assert all("pip install pysqlite3" in error.msg for error in found)


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("mounted", "kind", "sound"),
    [
        ("/", "ext4", True),
        ("/", "nfs4", False),
        ("parent", "cifs", False),
        ("parent", "fuse.sshfs", False),
        ("elsewhere", "nfs", True),
        ("parent", "fuse.ext4", True),
    ],
)
def test_an_sqlite_file_on_a_network_is_refused(monkeypatch, mounted, kind, sound):
    path = connections[DEFAULT_DB_ALIAS].settings_dict["NAME"]
    if mounted == "parent":
        mounted = os.path.dirname(os.path.realpath(path))
    mounts = [SimpleNamespace(mountpoint="/", fstype="ext4")]
    mounts.append(SimpleNamespace(mountpoint=mounted, fstype=kind))
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: mounts)
    found = checks.check_sqlite()
    assert bool(found) != sound
    for error in found:
        assert path in error.msg and kind in error.msg and "NAME in DATABASES" in error.msg


@pytest.mark.sqlite
@pytest.mark.parametrize("command", ["serve", "worker", "launch noop"])
def test_nothing_starts_on_an_unsafe_database(transactional_db, monkeypatch, command):
    def refuse(its):
        raise DatabaseUnsafe("It is not safe.")

    monkeypatch.setattr(SQLite, "require_safe", refuse)
    with pytest.raises(CommandError, match="not safe"):
        call_command(*command.split())
