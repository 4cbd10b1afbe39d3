"""The catalogue's part of ``/api/v1/``."""

from django.urls import path

from catalog import api, row_api

urlpatterns = [
    path("datasets/", api.DatasetListView.as_view(), name="datasets"),
    path("datasets/<uuid:dataset_id>/", api.DatasetDetailView.as_view(), name="dataset"),
    path("open/<uuid:dataset_id>/rows", api.OpenRowsView.as_view(), name="open-rows"),
    path("open/<uuid:dataset_id>/row", row_api.OpenRowView.as_view(), name="open-row"),
    path("open/<uuid:dataset_id>/summary", api.OpenSummaryView.as_view(), name="open-summary"),
    path("open/<uuid:dataset_id>/export/<slug:file_format>", api.OpenExportView.as_view(), name="open-export"),
]
