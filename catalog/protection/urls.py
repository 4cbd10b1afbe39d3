"""Addresses of protection."""

from django.urls import path

from catalog.protection import views

urlpatterns = [
    path("findings/<int:pk>/confirm/", views.finding_confirm, name="finding-confirm"),
    path("findings/<int:pk>/overrule/", views.finding_overrule, name="finding-overrule"),
]
