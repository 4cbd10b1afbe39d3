"""Addresses of extensions."""

from django.urls import path

from sharing.extending import views

urlpatterns = [
    path("supervision/extensions/", views.ExtensionListView.as_view(), name="extension-list"),
    path("supervision/extensions/export/", views.extension_export, name="extension-export"),
    path("supervision/extensions/<uuid:pk>/answer/", views.extension_answer, name="extension-answer"),
    path("steps/<uuid:pk>/extension/", views.extension_ask, name="extension-ask"),
]
