"""A project's own user model: UUIDs for keys, an email to log in with, a name of any length."""
