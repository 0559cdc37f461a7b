"""A project with a replica: what is not about logins is read there."""


class ReadsFromReplica:
    """As the documentation of Django shows it; logins are read where they are written."""

    def db_for_read(self, model, **hints):
        of_logins = {"admin", "auth", "axes", "contenttypes", "sessions"}
        return None if model._meta.app_label in of_logins else "replica"

    def db_for_write(self, model, **hints):
        return "default"

    def allow_relation(self, one, other, **hints):
        return None

    def allow_migrate(self, db, app_label, **hints):
        return db == "default"
