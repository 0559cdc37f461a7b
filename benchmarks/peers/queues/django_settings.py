"""Settings of the Django project in which Celery and django-tasks-db run."""

import os

SECRET_KEY = "benchmark"
USE_TZ = True
INSTALLED_APPS = ["django.contrib.contenttypes", "django_celery_results", "django_tasks_db"]
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
if os.environ["PEERS_DATABASE"] == "postgresql":  # the host and so on come from PGHOST …
    _DATABASE = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ["PGDATABASE"],
    }
else:
    _DATABASE = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ["PEERS_FILE"],
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        },
    }
if "PEERS_TUNED" in os.environ:
    _DATABASE["CONN_MAX_AGE"] = None
DATABASES = {"default": _DATABASE}
