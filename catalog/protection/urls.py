"""Addresses of protection."""

from django.urls import path

from catalog.protection import anonymity_views, views

urlpatterns = [
    path("<uuid:pk>/anonymity/", anonymity_views.anonymity_propose, name="anonymity-propose"),
    path("<uuid:pk>/anonymity/measure/", anonymity_views.disclosure_measure, name="disclosure-measure"),
    path("disclosures/<uuid:pk>/overrule/", anonymity_views.disclosure_overrule, name="disclosure-overrule"),
    path("<uuid:pk>/masks/", views.masks_edit, name="masks-edit"),
    path("findings/<uuid:pk>/confirm/", views.finding_confirm, name="finding-confirm"),
    path("findings/<uuid:pk>/overrule/", views.finding_overrule, name="finding-overrule"),
]
