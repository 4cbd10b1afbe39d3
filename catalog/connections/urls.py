"""Addresses of databases, pulls and interfaces."""

from django.urls import path

from catalog.connections import service_views, views

urlpatterns = [
    path("connections/", views.source_list, name="connection-list"),
    path("connections/new/", views.source_create, name="connection-create"),
    path("connections/<uuid:pk>/edit/", views.source_edit, name="connection-edit"),
    path("connections/<uuid:pk>/test/", views.source_test, name="connection-test"),
    path("connections/<uuid:pk>/remove/", views.source_remove, name="connection-remove"),
    path("connections/services/", service_views.service_list, name="service-list"),
    path("connections/services/new/", service_views.service_create, name="service-create"),
    path("connections/services/<uuid:pk>/", service_views.service_detail, name="service-detail"),
    path("connections/services/<uuid:pk>/openapi.json", service_views.service_document, name="service-document"),
    path("connections/services/<uuid:pk>/edit/", service_views.service_edit, name="service-edit"),
    path("connections/services/<uuid:pk>/test/", service_views.service_test, name="service-test"),
    path("connections/services/<uuid:pk>/remove/", service_views.service_remove, name="service-remove"),
    path("<uuid:pk>/pull/", views.pull_order, name="pull-order"),
    path("<uuid:pk>/pull/<slug:act>/", views.pull_act, name="pull-act"),
]
