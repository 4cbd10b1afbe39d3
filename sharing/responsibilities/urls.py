"""Addresses of the responsibility list."""

from django.urls import path

from sharing.responsibilities import views

urlpatterns = [
    path("responsibilities/", views.ResponsibilityListView.as_view(), name="responsibility-list"),
    path("responsibilities/export/", views.responsibility_export, name="responsibility-export"),
    path("responsibilities/new/", views.responsibility_create, name="responsibility-create"),
    path("responsibilities/import/", views.responsibility_import, name="responsibility-import"),
    path("responsibilities/import/template/", views.responsibility_template, name="responsibility-template"),
    path("responsibilities/<uuid:pk>/edit/", views.responsibility_edit, name="responsibility-edit"),
    path("responsibilities/<uuid:pk>/remove/", views.responsibility_remove, name="responsibility-remove"),
]
