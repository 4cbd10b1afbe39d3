"""Addresses of the check before submission."""

from django.urls import path

from sharing.precheck import views

urlpatterns = [
    path("requests/<uuid:pk>/check/", views.precheck, name="request-check"),
    path("requests/<uuid:pk>/check/export/", views.precheck_export, name="request-check-export"),
]
