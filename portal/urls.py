"""The addresses of the portal."""

from django.contrib.sitemaps.views import sitemap
from django.urls import include, path
from django.views.i18n import set_language
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from catalog.opendata.feeds import SITEMAPS
from portal import health
from portal.dashboards.views import home

api = [path("", include("catalog.api_urls")), path("", include("sharing.api_urls"))]

urlpatterns = [
    path("", home, name="home"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("language/", set_language, name="set_language"),
    path("accounts/", include("portal.accounts.urls")),
    path("departments/", include("portal.departments.urls")),
    path("deputies/", include("portal.deputies.urls")),
    path("notices/", include("portal.notices.urls")),
    path("audit/", include("portal.audit.urls")),
    path("system/", include("portal.system.urls")),
    path("catalog/", include("catalog.urls")),
    path("open/", include("catalog.opendata.urls")),
    path("", include("sharing.urls")),
    path("api/v1/", include((api, "api"))),
    path("api/schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="api-schema"), name="api-docs"),
    path("sitemap.xml", sitemap, {"sitemaps": SITEMAPS}, name="sitemap"),
]
