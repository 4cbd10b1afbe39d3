"""Addresses of the standards."""

from django.urls import path

from catalog.standards import code_list_views, element_views, report_views, theme_views, word_views

urlpatterns = [
    path("themes/", theme_views.theme_list, name="theme-list"),
    path("themes/new/", theme_views.theme_create, name="theme-create"),
    path("themes/<slug:code>/", theme_views.theme_edit, name="theme-edit"),
    path("themes/<slug:code>/retire/", theme_views.theme_retire, name="theme-retire"),
    path("code-lists/", code_list_views.code_list_list, name="code-list-list"),
    path("code-lists/new/", code_list_views.code_list_create, name="code-list-create"),
    path("code-lists/<uuid:pk>/", code_list_views.code_list_detail, name="code-list-detail"),
    path("code-lists/<uuid:pk>/edit/", code_list_views.code_list_edit, name="code-list-edit"),
    path("code-lists/<uuid:pk>/version/", code_list_views.version_create, name="code-list-version"),
    path("code-lists/<uuid:pk>/publish/", code_list_views.version_publish, name="code-list-publish"),
    path("code-lists/<uuid:pk>/compare/", code_list_views.version_compare, name="code-list-compare"),
    path("code-lists/<uuid:pk>/retire/", code_list_views.code_list_retire, name="code-list-retire"),
    path("code-lists/<uuid:pk>/<slug:format>/", code_list_views.code_list_export, name="code-list-export"),
    path("elements/", element_views.element_list, name="element-list"),
    path("elements/export/", element_views.element_export, name="element-export"),
    path("elements/new/", element_views.element_create, name="element-create"),
    path("elements/<uuid:pk>/", element_views.element_detail, name="element-detail"),
    path("elements/<uuid:pk>/edit/", element_views.element_edit, name="element-edit"),
    path("elements/<uuid:pk>/retire/", element_views.element_retire, name="element-retire"),
    path("words/", word_views.word_list, name="word-list"),
    path("words/<int:pk>/remove/", word_views.word_remove, name="word-remove"),
    path("missed/", word_views.miss_list, name="miss-list"),
    path("missed/export/", word_views.miss_export, name="miss-export"),
    path("conformance/", report_views.report_list, name="conformance-list"),
    path("conformance/export/", report_views.report_export, name="conformance-export"),
    path("<uuid:pk>/conformance/", report_views.report_renew, name="conformance-renew"),
    path("<uuid:pk>/link-elements/", report_views.link_elements, name="link-elements"),
]
