"""Settings of the project, all from the environment. What is malformed is refused by name."""

import contextlib
import os
import secrets
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import dj_database_url
from csp.constants import NONE, SELF
from environs import Env
from marshmallow.validate import OneOf, Range, Regexp

from jobs.defaults import POSTGRESQL_OPTIONS, SENTINEL_URL, channel_layers

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"  # database, generated key, development login: all that a run leaves
VAR_DIR.mkdir(mode=0o700, exist_ok=True)

env = Env()
_YES_NO: Any = {"error_messages": {"invalid": "It takes 1 or 0."}}


def _generated_key() -> str:
    """A key made once for this checkout, readable by its owner alone."""
    path = VAR_DIR / "secret_key"
    if not path.exists():
        # Written aside and linked, so that of two first starts one wins and both read its key.
        with tempfile.NamedTemporaryFile("w", dir=VAR_DIR, prefix="secret_key.") as mine:
            mine.write(secrets.token_urlsafe(50))
            mine.flush()
            with contextlib.suppress(FileExistsError):
                os.link(mine.name, path)
    return path.read_text()


DEBUG = env.bool("DEBUG", False, **_YES_NO)
HTTPS = env.bool("HTTPS", False, **_YES_NO)
PORT = env.int("PORT", 8000, validate=Range(0, 65535))
SECRET_KEY = env.str("SECRET_KEY", None) or _generated_key()
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", [])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])

# Where steps run. Celery's broker carries nothing but hints that there may be work.
JOBS_ENGINE = env.str("JOBS_ENGINE", "embedded", validate=OneOf(["embedded", "celery"]))
if JOBS_ENGINE == "celery":
    CELERY_BROKER_URL = env.str(
        "CELERY_BROKER_URL",
        validate=Regexp(
            r"(redis|amqp)s?://[^/]+(/.*)?$",
            error="It takes redis://host:port/number, rediss://…, "
            "amqp://user:password@host:port/vhost or amqps://….",
        ),
    )
    # A worker outlives its broker, however long that is away.
    CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
    CELERY_BROKER_CONNECTION_MAX_RETRIES = None
    CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
else:
    _ONLY_CELERY = OneOf([""], error="Only JOBS_ENGINE=celery uses it; set that, or unset this.")
    env.str("CELERY_BROKER_URL", "", validate=_ONLY_CELERY)

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "axes",
    "csp",
    "jobs",
    "project",
]

MIDDLEWARE = [
    "jobs.middleware.health",  # first: asked by an address, it needs no allowed host and no HTTPS
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "project.urls"
ASGI_APPLICATION = "project.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

_DATABASE_URL: Any = env.str(
    "DATABASE_URL",
    None,
    validate=Regexp(
        r"(sqlite:///|postgres(ql)?://([^/]*@)?(\[[^]/]+\]|[^]/:@[]*)(:\d+)?/).+",
        error="It takes sqlite:///relative/path, sqlite:////absolute/path or "
        "postgres://user:password@host:port/name.",
    ),
)
_DATABASE: Any = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(VAR_DIR / "db.sqlite3")}
if _DATABASE_URL is not None:
    _DATABASE = dj_database_url.parse(_DATABASE_URL)
if _DATABASE["ENGINE"].endswith("sqlite3"):
    _DATABASE["ENGINE"] = "jobs.backends.sqlite"
    if _DATABASE["NAME"] != ":memory:":
        _DATABASE["NAME"] = os.path.abspath(_DATABASE["NAME"])
else:
    _DATABASE["OPTIONS"] = POSTGRESQL_OPTIONS | _DATABASE.get("OPTIONS", {})
DATABASES = {"default": _DATABASE}

# Without Redis, pokes stay in one process; commits of other processes are noticed in the database.
_REDIS_URL = env.str(
    "REDIS_URL",
    "",
    validate=Regexp(
        rf"(rediss?://[^/]+(/\d*)?|unix://.+|{SENTINEL_URL.pattern})?$",
        error="It takes redis://host:port/number, rediss://…, unix://… or "
        "redis+sentinel://host:port,host:port/master/number.",
    ),
)
CHANNEL_LAYERS = channel_layers(_REDIS_URL)
# While Redis is away, channels_redis logs a traceback each second; Truestep says it once.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {"channels_redis": {"level": "CRITICAL"}},
}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{validator}"}
    for validator in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
# The login: five failures for one name from one address, then a pause.
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
PROXIES = env.int("PROXIES", 0, validate=Range(0, 9))
AXES_FAILURE_LIMIT = 5
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_COOLOFF_TIME = timedelta(minutes=5)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # the pause ends when the page says
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
AXES_CLIENT_IP_CALLABLE = "project.login.client_address"
AXES_LOCKOUT_CALLABLE = "project.login.locked_out"
LOGIN_URL = "login"  # names, not paths: the project may live below a prefix
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "truestep:list"

TIME_ZONE = "UTC"
USE_TZ = True
LANGUAGE_CODE = "en"
USE_I18N = False

STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True  # serves straight from the apps: nothing to collect first

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "jobs.views.csrf_failure"  # shows the form again, with its values
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None

TRUESTEP: dict[str, object] = {
    "engine": JOBS_ENGINE,
    "run_directory": str(VAR_DIR / "run"),
    "metrics_token": env.str("METRICS_TOKEN", ""),
    "code_version": env.str("RELEASE", ""),
}
