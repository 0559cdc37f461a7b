"""Every page and action of Truestep, below wherever the project puts it."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "truestep"

urlpatterns = [
    path("", views.job_list, name="list"),
    path("jobs/<int:job_id>/", views.job_detail, name="job"),
    path("jobs/<int:job_id>/cancel/", views.cancel, name="cancel"),
    path("jobs/<int:job_id>/steps/<str:step>/log", views.step_log, name="log"),
    path("launch/", views.launch_list, name="launch-list"),
    path("launch/<str:name>/", views.launch, name="launch"),
    path("healthz", views.healthz, name="healthz"),
]
