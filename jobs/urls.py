"""Every page and action of Truestep, below wherever the project puts it."""

from __future__ import annotations

from django.urls import path, register_converter
from django.urls.converters import IntConverter, StringConverter

from . import views


class Id(IntConverter):
    """The number of a row: databases refuse larger ones with an error of their own."""

    regex = "[0-9]{1,18}"


class QueueAction(StringConverter):
    regex = "pause|resume"


class WorkerAction(StringConverter):
    regex = "drain|resume|stop"


register_converter(Id, "id")
register_converter(QueueAction, "queue_action")
register_converter(WorkerAction, "worker_action")

app_name = "truestep"

urlpatterns = [
    path("", views.job_list, name="list"),
    path("jobs/<id:job_id>/", views.job_detail, name="job"),
    path("jobs/<id:job_id>/cancel/", views.cancel, name="cancel"),
    path("jobs/<id:job_id>/retry/", views.retry, name="retry"),
    path("jobs/<id:job_id>/log/", views.find_lines, name="find"),
    path("jobs/<id:job_id>/steps/<str:step>/log", views.step_log, name="log"),
    path("jobs/<id:job_id>/steps/<str:step>/stack", views.step_stack, name="stack"),
    path("workers/", views.workers, name="workers"),
    path("workers/<id:worker_id>/<worker_action:action>/", views.order_worker, name="order-worker"),
    path("queues/<str:name>/<queue_action:action>/", views.order_queue, name="order-queue"),
    path("launch/", views.launch_list, name="launch-list"),
    path("launch/<str:name>/", views.launch, name="launch"),
    path("live-<slug:version>.js", views.live_script, name="script"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", views.metrics, name="metrics"),
]
