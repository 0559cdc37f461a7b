import os

from django.apps import AppConfig

NEVER_FULL = 2**30  # pages


class FailingSqliteConfig(AppConfig):
    name = "tests.faults.failing_sqlite"
    label = "failing_sqlite"

    def ready(self) -> None:
        from django.db.backends.signals import connection_created

        def watch(connection, **kwargs):
            if connection.vendor == "sqlite":
                connection.execute_wrappers.append(obey)

        def obey(execute, sql, params, many, context):
            with open(os.environ["TRUESTEP_TROUBLE"]) as wanted:
                trouble = wanted.read()
            raw = context["connection"].connection
            [pages] = raw.execute("PRAGMA page_count").fetchone()
            raw.execute(f"PRAGMA max_page_count = {pages if trouble == 'full' else NEVER_FULL}")
            raw.execute(f"PRAGMA query_only = {int(trouble == 'read-only')}")
            return execute(sql, params, many, context)

        connection_created.connect(watch, weak=False)
