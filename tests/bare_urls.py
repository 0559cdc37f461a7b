"""Truestep's pages and no others: no login, no logout, no admin."""

from django.urls import include, path

urlpatterns = [path("", include("jobs.urls"))]
