"""Serving below a path (FORCE_SCRIPT_NAME), whether or not a proxy strips it from the address."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.conf import settings


class BelowPrefix:
    """An ASGI application that gets every path with the prefix, as ASGI wants it.

    Without the prefix, Django would redirect users who log in to an address that the proxy does not
    know.
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
