"""Addresses of disputes."""

from django.urls import path

from sharing.disputes import views

urlpatterns = [
    path("requests/<uuid:pk>/items/<uuid:item_pk>/dispute/", views.dispute_open, name="dispute-open"),
    path("disputes/", views.DisputeListView.as_view(), name="dispute-list"),
    path("disputes/<uuid:pk>/", views.dispute_detail, name="dispute-detail"),
    path("disputes/<uuid:pk>/<slug:act>/", views.dispute_act, name="dispute-act"),
]
