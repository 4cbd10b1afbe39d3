"""The internal catalogue."""

from django.contrib.auth.decorators import login_required
from django.urls import include, path

from catalog.views import bulk, data, editing, exceptions, holdings, lists, records, uploads, versions

app_name = "catalog"
urlpatterns = [
    path("", login_required(lists.dataset_list), name="dataset-list"),
    path("suggest/", login_required(lists.suggestions), name="suggest"),
    path("export/", login_required(lists.export), name="list-export"),
    path("mine/", lists.MineView.as_view(), name="dataset-mine"),
    path("bulk/", bulk.bulk_act, name="bulk-act"),
    path("review/", lists.ReviewView.as_view(), name="dataset-review"),
    path("", include("catalog.exchange.urls")),
    path("", include("catalog.connections.urls")),
    path("", include("catalog.sources.urls")),
    path("", include("catalog.quality.urls")),
    path("", include("catalog.standards.urls")),
    path("", include("catalog.relations.urls")),
    path("", include("catalog.health.urls")),
    path("", include("catalog.protection.urls")),
    path("new/", editing.dataset_create, name="dataset-create"),
    path("new/check/", editing.record_check, name="record-check-new"),
    path("new/forget/", editing.unsaved_forget, name="unsaved-forget-new"),
    path("access/", exceptions.access_find, name="access-find"),
    path("<uuid:pk>/", login_required(records.dataset_detail), name="dataset-detail"),
    path("<uuid:pk>/edit/", editing.dataset_edit, name="dataset-edit"),
    path("<uuid:pk>/check/", editing.record_check, name="record-check"),
    path("<uuid:pk>/forget/", editing.unsaved_forget, name="unsaved-forget"),
    path("<uuid:pk>/revise/", versions.revision_begin, name="revision-begin"),
    path("<uuid:pk>/discard/", versions.revision_discard, name="revision-discard"),
    path("<uuid:pk>/compare/", versions.version_compare, name="version-compare"),
    path("<uuid:pk>/submit/", records.dataset_submit, name="dataset-submit"),
    path("<uuid:pk>/approve/", records.dataset_approve, name="dataset-approve"),
    path("<uuid:pk>/return/", records.dataset_return, name="dataset-return"),
    path("<uuid:pk>/withdraw/", records.dataset_withdraw, name="dataset-withdraw"),
    path("<uuid:pk>/access/", exceptions.access_page, name="dataset-access"),
    path("exceptions/<uuid:pk>/end/", exceptions.exception_end, name="exception-end"),
    path("<uuid:pk>/upload/", data.dataset_upload, name="dataset-upload"),
    path("<uuid:pk>/uploads/", uploads.upload_create, name="upload-create"),
    path("uploads/<uuid:pk>/", uploads.upload_part, name="upload-part"),
    path("jobs/<uuid:pk>/types/", data.job_types, name="job-types"),
    path("<uuid:pk>/rows/", data.dataset_rows, name="dataset-rows"),
    path("<uuid:pk>/export/<slug:format>/", data.dataset_export, name="dataset-export"),
    path("tables/<int:pk>/restore/", holdings.table_restore, name="table-restore"),
    path("jobs/<uuid:pk>/", data.job_detail, name="job-detail"),
    path("jobs/<uuid:pk>/cancel/", data.job_cancel, name="job-cancel"),
    path("jobs/<uuid:pk>/retry/", data.job_retry, name="job-retry"),
    path("jobs/<uuid:pk>/rejects/", data.job_rejects, name="job-rejects"),
]
