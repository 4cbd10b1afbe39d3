"""Addresses of the duplicates board and of sources."""

from django.urls import path

from catalog.sources import views

urlpatterns = [
    path("duplicates/", views.duplicate_list, name="duplicate-list"),
    path("duplicates/export/", views.duplicate_export, name="duplicate-export"),
    path("duplicates/look/", views.duplicate_look, name="duplicate-look"),
    path("duplicates/<uuid:pk>/", views.duplicate_detail, name="duplicate-detail"),
    path("duplicates/<uuid:pk>/reopen/", views.duplicate_reopen, name="duplicate-reopen"),
    path("sources/", views.source_list, name="source-list"),
]
