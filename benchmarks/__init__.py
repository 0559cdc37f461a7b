"""Benchmarks of Truestep, each of them a program: ``.venv/bin/python -m benchmarks.idle``.

Importing this package sets Django up on the database that DATABASE_URL names, otherwise on a new
SQLite file that is removed at exit. So a benchmark imports what it needs like any other module.
"""

import atexit
import os
import shutil
import tempfile

import django

if "DATABASE_URL" not in os.environ:  # processes that are started from here inherit it
    directory = tempfile.mkdtemp(prefix="truestep_benchmark_")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    os.environ["DATABASE_URL"] = f"sqlite:///{directory}/benchmark.sqlite3"
os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright runs an event loop in this thread
django.setup()
