from __future__ import annotations

import os

from django.apps import AppConfig


class TruestepJobs(AppConfig):
    name = "truestep_jobs"

    def ready(self) -> None:
        if "PEERS_SHARED" in os.environ:
            from . import shared_slots

            shared_slots.share()
