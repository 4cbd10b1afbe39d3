"""Addresses of reports of errors, for civil servants and in the public section."""

from django.urls import path

from sharing.corrections import open_views, views

urlpatterns = [
    path("corrections/", views.CorrectionListView.as_view(), name="correction-list"),
    path("corrections/export/", views.correction_export, name="correction-export"),
    path("corrections/new/<uuid:pk>/", views.correction_create, name="correction-create"),
    path("corrections/<uuid:pk>/", views.correction_detail, name="correction-detail"),
    path("corrections/<uuid:pk>/<slug:act>/", views.correction_act, name="correction-act"),
    path("open/corrections/", open_views.open_list, name="open-correction-list"),
    path("open/corrections/new/<uuid:pk>/", open_views.open_create, name="open-correction-create"),
    path("open/corrections/<uuid:pk>/<slug:token>/", open_views.open_follow, name="open-correction-follow"),
]
