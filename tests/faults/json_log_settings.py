"""Test settings for processes that log JSON."""

from tests.settings import *  # noqa: F403
from tests.settings import LOGGING

LOGGING["formatters"] = {"json": {"()": "jobs.jsonlog.JsonFormatter"}}
LOGGING["handlers"] = {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}}
LOGGING["root"] = {"handlers": ["stderr"]}
