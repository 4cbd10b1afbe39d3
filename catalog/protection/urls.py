"""Addresses of protection."""

from django.urls import path

from catalog.protection import views

urlpatterns = [
    path("<uuid:pk>/masks/", views.masks_edit, name="masks-edit"),
    path("findings/<uuid:pk>/confirm/", views.finding_confirm, name="finding-confirm"),
    path("findings/<uuid:pk>/overrule/", views.finding_overrule, name="finding-overrule"),
]
