"""The project's settings on a database file of the test run's own, which child processes share."""

import atexit
import os
import shutil
import tempfile

from project.settings import *  # noqa: F403
from project.settings import DATABASES, INSTALLED_APPS, JOBS_ENGINE

if "TRUESTEP_TEST_DIR" not in os.environ:
    os.environ["TRUESTEP_TEST_DIR"] = tempfile.mkdtemp(prefix="truestep-test-")
    atexit.register(shutil.rmtree, os.environ["TRUESTEP_TEST_DIR"], ignore_errors=True)
# Tests that run side by side share neither a database nor a run directory.
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
TEST_DIR = os.environ["TRUESTEP_TEST_DIR"]
TEST_DATABASE = os.path.join(TEST_DIR, f"test{WORKER}.sqlite3")

if DATABASES["default"]["ENGINE"].endswith("postgresql"):
    TEST_DATABASE = f"truestep_test{WORKER}"
# Child processes use the same one: a test database has the name of the database.
DATABASES["default"] |= {"NAME": TEST_DATABASE, "TEST": {"NAME": TEST_DATABASE}}
INSTALLED_APPS += ["tests.testapp"]
WHITENOISE_AUTOREFRESH = True  # each test client would list all files first
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
GRACE = float(os.environ.get("TEST_GRACE", "1"))
TRUESTEP = {
    "engine": JOBS_ENGINE,
    "grace": GRACE,
    "drain": float(os.environ.get("TEST_DRAIN", "0")),
    "beat": float(os.environ.get("TEST_BEAT", "0.5")),
    "lease": float(os.environ.get("TEST_LEASE", "15")),
    "run_directory": os.path.join(TEST_DIR, f"run{WORKER}"),
}
