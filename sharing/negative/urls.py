"""Addresses of the negative list."""

from django.urls import path

from sharing.negative import views

urlpatterns = [
    path("negative/", views.NegativeListView.as_view(), name="negative-list"),
    path("negative/export/", views.negative_export, name="negative-export"),
    path("negative/<uuid:pk>/", views.negative_record, name="negative-record"),
    path("negative/<uuid:pk>/review/", views.negative_review, name="negative-review"),
    path("negative/<uuid:pk>/ask/", views.negative_ask, name="negative-ask"),
    path("negative/<uuid:pk>/answer/", views.negative_answer, name="negative-answer"),
]
