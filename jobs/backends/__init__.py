"""Database backends for ``ENGINE`` in ``DATABASES``. They know nothing of the rest of the app."""
