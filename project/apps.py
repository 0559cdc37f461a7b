"""The project as an app: it has the example definitions."""

from django.apps import AppConfig
from django.conf import settings


class ProjectConfig(AppConfig):
    name = "project"

    def ready(self) -> None:
        if settings.JOBS_ENGINE == "celery":  # who launches a job tells the broker
            from . import celery  # noqa: F401
