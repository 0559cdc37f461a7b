"""What a report of an error shows of a request that has secret parameters: none of its values."""

from __future__ import annotations

from collections.abc import Collection, ItemsView
from types import FrameType
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter


def hide_in_reports(request: HttpRequest, controls: Collection[str]) -> None:
    """Let Django's reports of errors show neither these controls nor the variables of any frame.

    Also with DEBUG, and in the mails to ADMINS.
    """
    if controls:
        vars(request).update(
            sensitive_post_parameters=list(controls), exception_reporter_filter=_HidesSecrets()
        )


class _HidesSecrets(SafeExceptionReporterFilter):
    """Forms and fields hand a value on through many frames, most of them Django's."""

    def is_active(self, request: HttpRequest | None) -> bool:
        return True

    def get_traceback_frame_variables(
        self, request: HttpRequest | None, tb_frame: FrameType
    ) -> ItemsView[str, Any]:
        return dict.fromkeys(tb_frame.f_locals, self.cleansed_substitute).items()
