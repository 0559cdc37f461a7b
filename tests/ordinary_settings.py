"""The settings of the processes that tests start: what ordinary projects have, all at once.

Below a prefix, in British English with thousand separators, in a zone that is no whole hour from
UTC, with a logger that does not propagate, a transaction for each request and a replica that is
dead. What cannot stand together is tried alone
(``tests/browser/test_ordinary_settings.py``).
"""

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, LOGGING, MIDDLEWARE

DATABASES["default"] |= {"ATOMIC_REQUESTS": True}
DATABASES["replica"] = {"ENGINE": "django.db.backends.sqlite3", "NAME": "/nowhere/replica.sqlite3"}
DATABASE_ROUTERS = ["tests.faults.routers.ReadsFromReplica"]
FORCE_SCRIPT_NAME = "/tools/truestep"
LANGUAGE_CODE = "en-gb"
USE_I18N = True
USE_THOUSAND_SEPARATOR = True
TIME_ZONE = "Asia/Kathmandu"
APPEND_SLASH = False
CSRF_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "SAMEORIGIN"
MIDDLEWARE.insert(
    MIDDLEWARE.index("django.middleware.common.CommonMiddleware"),
    "django.middleware.locale.LocaleMiddleware",
)
LOGGING["handlers"] = {"console": {"class": "logging.StreamHandler"}}
LOGGING["loggers"]["shop"] = {"handlers": ["console"], "level": "INFO", "propagate": False}
