"""The process that forks the children of ``crashes``."""

import django

django.setup()

from tests.faults import crashes  # noqa: E402

crashes.serve()
