"""What is wrong with the configuration, before the first job: ``manage.py check``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from channels import DEFAULT_CHANNEL_LAYER
from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import ASGIHandler
from django.db import router
from django.db.models import Model
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, Resolver404, resolve, reverse
from django.utils.module_loading import import_string

from . import conf, database, definitions, sealing
from .exceptions import DatabaseUnsafe

NEEDED_MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
NO_CHANNEL_LAYER = (
    "CHANNEL_LAYERS has no 'default', so no process can tell another to look at a job. Add to "
    f"your settings: from {conf.PACKAGE}.defaults import channel_layers; "
    "CHANNEL_LAYERS = channel_layers()"
)


@register(Tags.compatibility)
def check_definitions(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Each broken definition, by file, class and step."""
    found: list[CheckMessage] = [
        Error(f"{definitions.where(cls)}: {problem}.", id="truestep.E001")
        for cls, problem in definitions.problems()
    ]
    if definitions.have_secrets() and not sealing.is_available():
        text = f"Definitions have secret parameters (PasswordInput), and {sealing.MISSING}."
        found.append(Error(text, id="truestep.E004"))
    return found


@register(Tags.compatibility)
def check_knobs(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Each unknown or malformed entry of the TRUESTEP setting."""
    try:
        engine = import_string(conf.engine_path())
    except ImproperlyConfigured as error:
        return [Error(str(error), id="truestep.E002")]
    except ImportError as error:
        return [Error(f"TRUESTEP['engine']: {error}", id="truestep.E002")]
    return [Error(text, id="truestep.E002") for text in engine().problems()]


@register(Tags.compatibility)
def check_database(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Settings with which Truestep's rows could not be guarded, committed, shared or found."""
    if check_knobs():
        return []
    return [Error(text, id=f"truestep.{number}") for number, text in _database_problems()]


def _database_problems() -> Iterator[tuple[str, str]]:
    its, connection = f"DATABASES[{database.alias()!r}]", database.connection
    other = "or name another database in TRUESTEP['database']"
    for problem in database.dialect_of(connection).problems():
        yield problem.number, f"{its}{problem.what} {problem.remedy}, {other}."
    if not connection.settings_dict["AUTOCOMMIT"]:
        yield (
            "E011",
            f"{its}['AUTOCOMMIT'] is False: what Truestep writes would not be committed. "
            f"Remove it, {other}.",
        )
    if any(map(_is_sent_elsewhere, apps.get_app_config(database.LABEL).get_models())):
        first = f"{database.Router.__module__}.{database.Router.__name__}"
        yield (
            "E013",
            f"A database router sends Truestep's rows elsewhere than to {database.alias()!r}. "
            f"Put {first!r} first in DATABASE_ROUTERS; TRUESTEP['database'] says where they are.",
        )


def _is_sent_elsewhere(model: type[Model]) -> bool:
    return {router.db_for_read(model), router.db_for_write(model)} != {database.alias()}


@register(Tags.compatibility)
def check_settings(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Django's own settings, as far as Truestep cannot keep its promises under every value."""
    return [Error(text, id=f"truestep.{number}") for number, text in _settings_problems()]


def _settings_problems() -> Iterator[tuple[str, str]]:
    if not settings.USE_TZ:
        yield (
            "E020",
            "USE_TZ is False: times would be stored without their zone, and the hour after "
            "daylight saving twice. Set USE_TZ = True; TIME_ZONE may have any value.",
        )
    prefix = settings.FORCE_SCRIPT_NAME
    if prefix and (not prefix.startswith("/") or prefix.endswith("/")):
        right = f"/{prefix.strip('/')}" if prefix.strip("/") else None
        yield (
            "E021",
            f"FORCE_SCRIPT_NAME is {prefix!r}; it must begin with a slash and end without one, or "
            f"no page is found. Set FORCE_SCRIPT_NAME = {right!r}.",
        )
    if settings.SESSION_ENGINE.endswith(".signed_cookies"):
        yield (
            "E022",
            "SESSION_ENGINE keeps sessions in cookies only: a logout leaves open pages live. Set "
            "it to 'django.contrib.sessions.backends.db', 'cached_db', 'cache' or 'file'.",
        )
    try:
        reverse("truestep:list")
    except NoReverseMatch:
        yield (
            "E023",
            f"{settings.ROOT_URLCONF} does not include Truestep's pages. Add path('jobs/', "
            f"include('{conf.PACKAGE}.urls')), with any path, to its urlpatterns.",
        )
    if missing := [path for path in NEEDED_MIDDLEWARE if not _has_middleware(path)]:
        yield (
            "E024",
            f"MIDDLEWARE lacks {' and '.join(map(repr, missing))}, which Truestep's pages need. "
            "Add it.",
        )


def _has_middleware(path: str) -> bool:
    """Whether MIDDLEWARE has it, or a subclass of it."""
    found = map(import_string, settings.MIDDLEWARE)
    return any(isinstance(each, type) and issubclass(each, import_string(path)) for each in found)


@register(Tags.compatibility)
def check_login(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """A LOGIN_URL that leads to no page."""
    path = urlsplit(resolve_url(settings.LOGIN_URL))
    if path.netloc:
        return []
    try:
        resolve(path.path.removeprefix(settings.FORCE_SCRIPT_NAME or ""))
    except Resolver404:
        return [
            Warning(
                f"LOGIN_URL is {settings.LOGIN_URL!r}, where {settings.ROOT_URLCONF} has no page: "
                "people who open a page of Truestep cannot log in. Set it to the name of your "
                "login page; that of the admin is LOGIN_URL = 'admin:login'.",
                id="truestep.W002",
            )
        ]
    return []


@register(Tags.compatibility)
def check_channels(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """No channel layer: processes would not tell each other to look at the database."""
    if _has_channel_layer():
        return []
    return [Warning(NO_CHANNEL_LAYER, id="truestep.W001")]


def _has_channel_layer() -> bool:
    return DEFAULT_CHANNEL_LAYER in getattr(settings, "CHANNEL_LAYERS", {})


# The web servers that ``serve`` can run, and the extra that installs each.
WEB_SERVERS = {"daphne": "server", "uvicorn": "uvicorn"}


def serve_problems(server: str) -> Iterator[str]:
    """What ``serve`` needs and lacks to run this web server: each says which line to add."""
    needed = [server, "websockets"] if server == "uvicorn" else [server]
    if any(find_spec(package) is None for package in needed):
        extra = WEB_SERVERS[server]
        yield f"{server} or a part of it is not installed. Run: pip install 'truestep[{extra}]'"
    if not _has_channel_layer():
        yield NO_CHANNEL_LAYER
    path = getattr(settings, "ASGI_APPLICATION", None)
    if not path:
        yield (
            f"ASGI_APPLICATION is not set. Add to your settings: "
            f"ASGI_APPLICATION = '{settings.ROOT_URLCONF.rpartition('.')[0]}.asgi.application'"
        )
        return
    module, _, name = path.rpartition(".")
    try:
        application = import_string(path)
    except ImportError as error:
        yield f"ASGI_APPLICATION is {path!r}, which cannot be imported: {error}."
    else:
        if isinstance(application, ASGIHandler):
            yield (
                f"{path} answers no WebSockets, so no page would be live. Add to the end of "
                f"{module}: from {conf.PACKAGE}.asgi import with_sockets; "
                f"{name} = with_sockets({name})"
            )


@register(Tags.compatibility)
def check_metrics(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """A token for metrics that cannot be written."""
    if check_knobs() or not conf.knobs().metrics_token or _has_prometheus():
        return []
    return [
        Warning(
            "TRUESTEP['metrics_token'] is set, but prometheus_client is not installed: metrics "
            "answers 501. Run: pip install 'truestep[metrics]'",
            id="truestep.W004",
        )
    ]


@register(Tags.compatibility, deploy=True)
def check_metrics_are_on(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """What is installed for metrics, and off."""
    if check_knobs() or conf.knobs().metrics_token or not _has_prometheus():
        return []
    return [
        Info(
            "TRUESTEP['metrics_token'] is empty: metrics answers 404. To let a Prometheus read "
            "it, set a secret text, and send it as Authorization: Bearer.",
            id="truestep.I001",
        )
    ]


def _has_prometheus() -> bool:
    return find_spec("prometheus_client") is not None


@register(Tags.database)
def check_sqlite(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """A SQLite whose file several processes cannot safely share."""
    try:
        database.require_safe()
    except DatabaseUnsafe as error:
        return [Error(str(error), id="truestep.E003")]
    return []


@register(Tags.database)
def check_pooler(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """A pooler of which the settings say nothing."""
    if not database.dialect_of(database.connection).has_unnamed_pooler():
        return []
    return [
        Warning(
            f"DATABASES[{database.alias()!r}] reaches its server through a pooler. If each "
            "transaction may have another session (PgBouncer's transaction mode), prepared "
            "statements fail, and limits that Truestep sets reach other clients. Add "
            "'DISABLE_SERVER_SIDE_CURSORS': True; in session mode, silence this.",
            id="truestep.W003",
        )
    ]
