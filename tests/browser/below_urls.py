"""Truestep's pages below a path of a project."""

from django.urls import include, path

from project.urls import urlpatterns as the_projects

urlpatterns = [*the_projects[:-1], path("shop/tools/", include("jobs.urls"))]
