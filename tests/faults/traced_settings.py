"""Test settings of a project that takes spans: each is a line of JSON on standard output."""

import json

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

from tests.settings import *  # noqa: F403

_exporter = ConsoleSpanExporter(
    formatter=lambda span: json.dumps(json.loads(span.to_json())) + "\n"
)
_provider = TracerProvider()
_provider.add_span_processor(SimpleSpanProcessor(_exporter))
trace.set_tracer_provider(_provider)
