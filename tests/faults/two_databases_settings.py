"""Test settings of an ordinary project: routers, a dead replica, a transaction for each request.

Truestep's rows are in the database of the test. With ``TEST_PROJECT`` they are there apart: the
rest of the project is in that SQLite file, and ``default`` lacks Truestep's tables.
"""

import os
from pathlib import Path

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, TEST_DIR, TRUESTEP

SQLITE = {"ENGINE": "jobs.backends.sqlite"}
DATABASES["replica"] = SQLITE | {"NAME": Path(TEST_DIR, "nowhere", "replica.sqlite3")}
if project := os.environ.get("TEST_PROJECT"):
    DATABASES["jobs"] = DATABASES["default"]
    DATABASES["default"] = SQLITE | {"NAME": Path(project)}
    TRUESTEP |= {"database": "jobs"}
if rows := os.environ.get("TEST_ROWS"):
    DATABASES["jobs"] = SQLITE | {"NAME": Path(rows)}
DATABASES["default"] |= {"ATOMIC_REQUESTS": True}
DATABASE_ROUTERS = ["tests.faults.routers.ReadsFromReplica"]
