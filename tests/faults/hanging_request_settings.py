"""Test settings under which a request for a path with ``held`` is never answered."""

import os
import time
from pathlib import Path

from tests.settings import *  # noqa: F403
from tests.settings import MIDDLEWARE


def hold(get_response):
    def answer(request):
        if "held" in request.path:
            Path(os.environ["TEST_HELD"]).touch()
            time.sleep(600)
        return get_response(request)

    return answer


MIDDLEWARE = [*MIDDLEWARE, f"{__name__}.hold"]
