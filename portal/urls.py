"""The addresses of the portal."""

from csp.decorators import csp_update
from django.contrib.sitemaps.views import sitemap
from django.urls import include, path
from django.views.i18n import set_language
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.request import Request

from catalog.opendata.feeds import SITEMAPS
from catalog.opendata.views import robots
from portal import health
from portal.calendars import views as calendars
from portal.dashboards.views import home

api = [path("", include("catalog.api_urls")), path("", include("sharing.api_urls"))]

handler400 = "portal.problems.bad_request"
handler404 = "portal.problems.not_found"
handler500 = "portal.problems.server_error"

swagger = csp_update({"style-src": ["'self'", "'unsafe-inline'"]})(
    SpectacularSwaggerSplitView.as_view(url_name="api-schema", http_method_names=["get", "head"])
)
"""Swagger UI styles itself inline; nothing else may."""


class SchemaView(SpectacularAPIView):
    """The OpenAPI schema, under a name that holds nothing of what the caller sent."""

    def _get_filename(self, request: Request, version: str) -> str:
        return "shuqiao.yaml"


urlpatterns = [
    path("", home, name="home"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("language/", set_language, name="set_language"),
    path("accounts/", include("portal.accounts.urls")),
    path("accounts/", include("portal.accounts.allauth_urls")),
    path("departments/", include("portal.departments.urls")),
    path("deputies/", include("portal.deputies.urls")),
    path("notices/", include("portal.notices.urls")),
    path("audit/", include("portal.audit.urls")),
    path("rights/", include("portal.rights.urls")),
    path("system/", include("portal.system.urls")),
    path("calendar/", calendars.calendar_page, name="calendar"),
    path("calendar/day/", calendars.calendar_day, name="calendar-day"),
    path("calendar/import/", calendars.calendar_import, name="calendar-import"),
    path("catalog/", include("catalog.urls")),
    path("open/", include("catalog.opendata.urls")),
    path("", include("sharing.urls")),
    path("api/v1/", include((api, "api"))),
    path("api/schema/", SchemaView.as_view(), name="api-schema"),
    path("api/docs/", swagger, name="api-docs"),
    path("robots.txt", robots, name="robots"),
    path("sitemap.xml", sitemap, {"sitemaps": SITEMAPS}, name="sitemap"),
]
