"""Every URL: the jobs, the admin, the login."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import urls as auth_urls
from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include(auth_urls.urlpatterns)),
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}truestep/icon.svg")),
    path("", include("jobs.urls")),
]
