"""Addresses of the restriction list."""

from django.urls import path

from sharing.restrictions import views

urlpatterns = [
    path("restrictions/", views.RestrictionListView.as_view(), name="restriction-list"),
    path("restrictions/export/", views.restriction_export, name="restriction-export"),
    path("restrictions/new/", views.restriction_create, name="restriction-create"),
    path("restrictions/<uuid:pk>/", views.restriction_detail, name="restriction-detail"),
    path("restrictions/<uuid:pk>/<slug:act>/", views.restriction_act, name="restriction-act"),
]
