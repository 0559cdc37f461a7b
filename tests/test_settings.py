"""The environment is read by project/settings.py; what is malformed is refused by name."""

import json
import os
import stat
import subprocess
import sys

import pytest

from tests.support import ROOT

NAMES = (
    "DEBUG HTTPS PORT SECRET_KEY ALLOWED_HOSTS CSRF_TRUSTED_ORIGINS SESSION_COOKIE_SECURE "
    "SECURE_SSL_REDIRECT SECURE_HSTS_SECONDS"
)
PUBSUB = "channels_redis.pubsub.RedisPubSubChannelLayer"
PROGRAM = f"""
import json
from project import settings
values = {{name: getattr(settings, name) for name in {NAMES.split()!r}}}
values["DATABASE"] = str(settings.DATABASES["default"]["NAME"])
values["LAYER"] = settings.CHANNEL_LAYERS["default"]["BACKEND"]
options = settings.DATABASES["default"].get("OPTIONS", {{}})
values["OPTIONS"] = options
values["ENGINE"] = settings.DATABASES["default"]["ENGINE"]
print(json.dumps(values))
"""


def read_settings(**env):
    """The settings that this environment makes, or None and the last line of the complaint."""
    ours = (
        "DATABASE_URL",
        "DEBUG",
        "PORT",
        "SECRET_KEY",
        "HTTPS",
        "ALLOWED_HOSTS",
        "REDIS_URL",
    )
    clean = {name: value for name, value in os.environ.items() if name not in ours}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env=clean | {"SECRET_KEY": "for tests"} | env,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        return None, done.stderr.splitlines()[-1]
    return json.loads(done.stdout), ""


def test_an_empty_environment_is_safe():
    values, _ = read_settings()
    assert not values["DEBUG"]
    assert values["PORT"] == 8000
    assert values["ALLOWED_HOSTS"] == ["127.0.0.1", "localhost", "[::1]"]
    assert values["DATABASE"] == str(ROOT / "var" / "db.sqlite3")
    assert values["ENGINE"] == "jobs.backends.sqlite"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("env", "name", "value"),
    [
        ({"DEBUG": "1"}, "DEBUG", True),
        ({"DEBUG": "0"}, "DEBUG", False),
        ({"PORT": "0"}, "PORT", 0),
        ({"SECRET_KEY": "mine"}, "SECRET_KEY", "mine"),
        ({"ALLOWED_HOSTS": "a.test,b.test"}, "ALLOWED_HOSTS", ["a.test", "b.test"]),
        (
            {"CSRF_TRUSTED_ORIGINS": "https://a.test"},
            "CSRF_TRUSTED_ORIGINS",
            ["https://a.test"],
        ),
        ({"DATABASE_URL": "sqlite:////tmp/x.sqlite3"}, "DATABASE", "/tmp/x.sqlite3"),
        ({"DATABASE_URL": "sqlite:///x.sqlite3"}, "DATABASE", str(ROOT / "x.sqlite3")),
        ({"DATABASE_URL": "sqlite:///:memory:"}, "DATABASE", ":memory:"),
        ({"DATABASE_URL": "postgres://ada:p%2Fw@db.test:5433/jobs"}, "DATABASE", "jobs"),
        ({"DATABASE_URL": "postgresql://[::1]/jobs"}, "DATABASE", "jobs"),
        ({"REDIS_URL": "redis://:secret@redis.test:6379/1"}, "LAYER", PUBSUB),
        ({"REDIS_URL": "unix:///run/redis.sock"}, "LAYER", PUBSUB),
        ({"REDIS_URL": "redis+sentinel://a.test,b.test:2/main/1"}, "LAYER", PUBSUB),
        ({"REDIS_URL": ""}, "LAYER", "channels.layers.InMemoryChannelLayer"),
        ({"HTTPS": "1"}, "SESSION_COOKIE_SECURE", True),
        ({"HTTPS": "1"}, "SECURE_HSTS_SECONDS", 365 * 24 * 3600),
    ],
)
def test_the_environment_sets_it(env, name, value):
    values, complaint = read_settings(**env)
    assert complaint == ""
    assert values[name] == value


def test_a_postgresql_that_vanishes_is_noticed_and_its_url_may_say_otherwise():
    values, _ = read_settings(
        DATABASE_URL="postgres://ada@db.test/jobs?connect_timeout=9&options=%20"
    )
    assert values["OPTIONS"]["tcp_user_timeout"] == 8000
    assert values["OPTIONS"]["connect_timeout"] == 9
    assert values["OPTIONS"]["options"] == " "
    values, _ = read_settings(DATABASE_URL="postgres://ada@db.test/jobs")
    assert "lock_timeout=20s" in values["OPTIONS"]["options"]


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"DEBUG": "maybe"}, "It takes 1 or 0."),
        ({"HTTPS": "https"}, "It takes 1 or 0."),
        ({"PORT": "http"}, "Not a valid integer."),
        ({"PORT": "70000"}, "Must be greater than or equal to 0 and less than or equal to 65535."),
        ({"JOBS_ENGINE": "cron"}, "Must be one of: embedded, celery."),
        ({"DATABASE_URL": "postgres://x"}, "It takes sqlite:///relative/path, sqlite:////abs"),
        ({"DATABASE_URL": "postgres://host:port/name"}, "or postgres://user:password@host:port/"),
        ({"DATABASE_URL": "mysql://host/name"}, "It takes sqlite:///relative/path"),
        ({"DATABASE_URL": ""}, "It takes sqlite:///relative/path"),
        ({"REDIS_URL": "localhost:6379"}, "It takes redis://host:port/number"),
        ({"REDIS_URL": "redis://localhost/zero"}, "It takes redis://host:port/number"),
        ({"REDIS_URL": "redis+sentinel://a.test:1"}, "redis+sentinel://host:port,host:port/master"),
        ({"REDIS_URL": "redis+sentinel://a:b/main"}, "redis+sentinel://host:port,host:port/master"),
        ({"CELERY_BROKER_URL": "redis://localhost"}, "Only JOBS_ENGINE=celery uses it; set that"),
        ({"CELERY_BROKER_URL": "sqs://", "JOBS_ENGINE": "celery"}, "It takes redis://host:port/"),
        ({"CELERY_BROKER_URL": "", "JOBS_ENGINE": "celery"}, "It takes redis://host:port/number"),
    ],
)
def test_a_malformed_value_is_refused_by_name(env, words):
    values, complaint = read_settings(**env)
    assert values is None
    assert f'"{next(iter(env))}"' in complaint
    assert words in complaint


def _without_a_key() -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if name != "SECRET_KEY"}
    return env | {"PYTHONPATH": str(ROOT)}  # where jobs is; project is found before


@pytest.mark.slow
def test_the_generated_key_is_long_kept_and_its_owners_alone(tmp_path):
    (tmp_path / "project").mkdir()
    for name in ("__init__.py", "settings.py"):
        (tmp_path / "project" / name).write_text((ROOT / "project" / name).read_text())

    def key():
        return subprocess.run(
            [sys.executable, "-c", "from project import settings; print(settings.SECRET_KEY)"],
            cwd=tmp_path,
            env=_without_a_key(),
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    first = key()
    path = tmp_path / "var" / "secret_key"
    assert len(first) >= 50
    assert key() == first == path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.slow
def test_two_simultaneous_first_starts_agree_on_the_key(tmp_path):
    (tmp_path / "project").mkdir()
    for module in (ROOT / "project").glob("*.py"):
        (tmp_path / "project" / module.name).write_text(module.read_text())
    starts = [
        subprocess.Popen(
            [sys.executable, "-c", "from project import settings; print(settings.SECRET_KEY)"],
            cwd=tmp_path,
            env=_without_a_key(),
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    keys = {start.communicate(timeout=60)[0].strip() for start in starts}
    assert keys == {(tmp_path / "var" / "secret_key").read_text()}
    assert os.listdir(tmp_path / "var") == ["secret_key"]
