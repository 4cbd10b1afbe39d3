"""Addresses of import and export."""

from django.urls import path

from catalog.exchange import views

urlpatterns = [
    path("import/", views.record_import, name="record-import"),
    path("import/<uuid:pk>/", views.import_detail, name="import-detail"),
    path("import/<uuid:pk>/load/", views.import_load, name="import-load"),
    path("import/<uuid:pk>/cancel/", views.import_cancel, name="import-cancel"),
    path("import/<uuid:pk>/refused/", views.import_refused, name="import-refused"),
    path("records.<slug:format>", views.records_export, name="records-export"),
]
