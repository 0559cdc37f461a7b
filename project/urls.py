"""Every URL: the jobs, the admin, the login."""

from django.contrib import admin
from django.contrib.auth import urls as auth_urls
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include(auth_urls.urlpatterns)),
    path("", include("jobs.urls")),
]
