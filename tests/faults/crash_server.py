"""The process that forks the children of the crash matrix."""

import django

django.setup()

from tests.faults.crash_child import serve  # noqa: E402

serve()
