"""The least that Django can do: one view that answers a line, for the pages to be compared with."""

from __future__ import annotations

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="bench")


def line(request: HttpRequest) -> HttpResponse:
    """One line of text."""
    return HttpResponse("ok")


urlpatterns = [path("", line)]
application = get_wsgi_application()
