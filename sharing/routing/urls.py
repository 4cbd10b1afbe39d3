"""Addresses of the routes."""

from django.urls import path

from sharing.routing import running, views

urlpatterns = [
    path("routes/", views.route_list, name="route-list"),
    path("routes/new/", views.route_create, name="route-create"),
    path("routes/<slug:pk>/", views.route_detail, name="route-detail"),
    path("routes/requests/<uuid:pk>/", running.request_reroute, name="request-reroute"),
    path("routes/<slug:pk>/running/", running.route_running, name="route-running"),
    path("routes/<slug:pk>/compare/", views.route_compare, name="route-compare"),
    path("routes/<slug:pk>/preview/", views.route_preview, name="route-preview"),
    path("routes/<slug:pk>/settings/", views.route_settings, name="route-settings"),
    path("routes/<slug:pk>/draft/", views.route_draft, name="route-draft"),
    path("routes/<slug:pk>/edit/", views.route_edit, name="route-edit"),
    path("routes/<slug:pk>/order/", views.route_order, name="route-order"),
    path("routes/<slug:pk>/publish/", views.route_publish, name="route-publish"),
    path("routes/<slug:pk>/discard/", views.route_discard, name="route-discard"),
    path("routes/<slug:pk>/stages/<slug:stage>/", views.stage_edit, name="stage-edit"),
]
