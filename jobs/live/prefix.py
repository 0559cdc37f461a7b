"""Below a path: what FORCE_SCRIPT_NAME says, whether a proxy in front strips the prefix or not."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.conf import settings


class BelowPrefix:
    """An ASGI application that finds the prefix in every path.

    ASGI wants it there. Without it, Django would send people who log in back to an address that
    lacks the prefix, which the proxy does not know.
    """

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        prefix = settings.FORCE_SCRIPT_NAME or ""
        if prefix and "path" in scope:
            path = scope["path"]
            if path == prefix:
                path += "/"  # Django would find nothing at an empty path
            elif not path.startswith(f"{prefix}/"):
                path = prefix + path
            scope = scope | {"path": path, "raw_path": quote(path).encode()}
        return await self._application(scope, receive, send)
