"""A browser without JavaScript, at a server in another process."""

from __future__ import annotations

import re
from http.cookiejar import CookieJar
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener


class Visitor:
    """Raises HTTPError for an answer of 400 and above."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._cookies = CookieJar()
        self._opener = build_opener(HTTPCookieProcessor(self._cookies))
        self.path = ""  # of the page that came last

    def log_in(self, name: str, password: str) -> None:
        self.get("/accounts/login/")
        self.post("/accounts/login/", username=name, password=password, next="/launch/")
        assert self.path == "/launch/", "not logged in"

    def get(self, path: str) -> str:
        return self._open(path)

    def post(self, path: str, **fields: str) -> str:
        """Where the answer leads to, followed."""
        token = self._cookie("csrftoken")
        return self._open(path, urlencode(fields | {"csrfmiddlewaretoken": token}).encode())

    @property
    def session(self) -> str:
        return self._cookie("sessionid")

    def _cookie(self, name: str) -> str:
        return next(cookie.value for cookie in self._cookies if cookie.name == name)

    def _open(self, path: str, body: bytes | None = None) -> str:
        with self._opener.open(self._url + path, body, timeout=30) as answer:
            self.path = re.sub(r"^\w+://[^/]+", "", answer.url)
            return answer.read().decode()
