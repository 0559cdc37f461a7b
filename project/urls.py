"""Every URL: the jobs, the admin, the login."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.urls import urlpatterns as auth_urlpatterns
from django.urls import include, path
from django.views.generic import RedirectView

# Without those that send mail: nothing here is told of a mail server.
account = [entry for entry in auth_urlpatterns if "reset" not in str(entry.name)]

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include(account)),
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}truestep/icon.svg")),
    path("", include("jobs.urls")),
]

handler500 = "jobs.views.server_error"  # 503 while the database cannot be used
