"""Truestep's worker beside a Celery worker: ``celery -A project worker`` runs steps, too.

``messages`` tells Celery workers that there may be work; ``node`` is what a Celery worker does with
such a message. Why it is so: docs/decisions/0032-celery-carries-hints.md.
"""

from __future__ import annotations

from .engine import CeleryEngine as CeleryEngine
