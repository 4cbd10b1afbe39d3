"""Addresses of the questions to applicants and their answers."""

from django.urls import path

from sharing.questions import answer_views, views

urlpatterns = [
    path("questions/", views.FormListView.as_view(), name="form-list"),
    path("questions/export/", views.form_export, name="form-export"),
    path("questions/new/", views.form_create, name="form-create"),
    path("questions/datasets/<uuid:pk>/", views.form_attach, name="form-attach"),
    path("questions/<uuid:pk>/", views.form_detail, name="form-detail"),
    path("questions/<uuid:pk>/title/", views.form_rename, name="form-rename"),
    path("questions/<uuid:pk>/draft/", views.form_draft, name="form-draft"),
    path("questions/<uuid:pk>/edit/", views.form_edit, name="form-edit"),
    path("questions/<uuid:pk>/order/", views.form_order, name="form-order"),
    path("questions/<uuid:pk>/publish/", views.form_publish, name="form-publish"),
    path("questions/<uuid:pk>/discard/", views.form_discard, name="form-discard"),
    path("questions/<uuid:pk>/compare/", views.form_compare, name="form-compare"),
    path("questions/<uuid:pk>/preview/", views.form_preview, name="form-preview"),
    path("questions/<uuid:pk>/datasets/", views.form_datasets, name="form-datasets"),
    path("questions/<uuid:pk>/edit/<slug:key>/", views.question_edit, name="question-edit"),
    path("requests/<uuid:pk>/answers/", answer_views.answers_edit, name="answers-edit"),
    path("requests/<uuid:pk>/answers/keep/", answer_views.answers_keep, name="answers-keep"),
    path("requests/<uuid:pk>/answers/forget/", answer_views.answers_forget, name="answers-forget"),
    path("requests/<uuid:pk>/answers/export/", answer_views.answers_export, name="answers-export"),
    path("answers/files/<uuid:pk>/", answer_views.answer_file, name="answer-file"),
    path("answers/files/<uuid:pk>/remove/", answer_views.answer_file_remove, name="answer-file-remove"),
]
