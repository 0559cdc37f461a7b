"""Every URL: the jobs, the admin, the login."""

from django.contrib import admin
from django.contrib.auth.urls import urlpatterns as auth_urlpatterns
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import include, path

# Without those that send mail: this project has no mail server.
account = [entry for entry in auth_urlpatterns if "reset" not in str(entry.name)]


def favicon(request: HttpRequest) -> HttpResponse:
    """For browsers that ask for it wherever a page has no icon."""
    return redirect(static("truestep/icon.svg"))


urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include(account)),
    path("favicon.ico", favicon),
    path("", include("jobs.urls")),
]

handler500 = "jobs.views.server_error"  # 503 while the database cannot be used
