"""One setting of ordinary projects alone: which, ``TEST_ALONE`` says."""

import copy
import os

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, INSTALLED_APPS, TEMPLATES, TEST_DATABASE, TEST_DIR, WORKER

INVALID = copy.deepcopy(TEMPLATES)
INVALID[0]["OPTIONS"]["string_if_invalid"] = "INVALID"  # type: ignore[index]
MANIFEST = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
ALONE: dict[str, dict[str, object]] = {
    "separators": {"USE_THOUSAND_SEPARATOR": True, "USE_I18N": True, "LANGUAGE_CODE": "en-gb"},
    "German": {"USE_THOUSAND_SEPARATOR": True, "USE_I18N": True, "LANGUAGE_CODE": "de"},
    "Arabic": {"USE_THOUSAND_SEPARATOR": True, "USE_I18N": True, "LANGUAGE_CODE": "ar"},
    "zone": {"TIME_ZONE": "America/St_Johns"},
    "prefix": {"FORCE_SCRIPT_NAME": "/tools/truestep"},
    "stripped": {"FORCE_SCRIPT_NAME": "/tools/truestep"},  # … by the proxy of the test
    "include": {"ROOT_URLCONF": "tests.browser.below_urls"},
    "atomic": {"DATABASES": {"default": DATABASES["default"] | {"ATOMIC_REQUESTS": True}}},
    "cookies": {
        "SESSION_COOKIE_NAME": "shop",
        "CSRF_COOKIE_NAME": "shop_token",
        "CSRF_COOKIE_HTTPONLY": True,
    },
    "tokens": {"CSRF_USE_SESSIONS": True},
    "cached": {"SESSION_ENGINE": "django.contrib.sessions.backends.cached_db"},
    "files": {
        "SESSION_ENGINE": "django.contrib.sessions.backends.file",
        "SESSION_FILE_PATH": TEST_DIR,
    },
    "invalid": {"TEMPLATES": INVALID},
    "manifest": {
        "STATIC_ROOT": os.path.join(TEST_DIR, f"static{WORKER}"),
        "STORAGES": {"staticfiles": {"BACKEND": MANIFEST}},
        "WHITENOISE_USE_FINDERS": False,
    },
    "debug": {"DEBUG": True},
    "person": {
        "AUTH_USER_MODEL": "people.Person",
        "INSTALLED_APPS": [*INSTALLED_APPS, "tests.people"],
        "DATABASES": {"default": DATABASES["default"] | {"NAME": f"{TEST_DATABASE}_people"}},
    },
}
globals().update(ALONE.get(os.environ.get("TEST_ALONE", ""), {}))
