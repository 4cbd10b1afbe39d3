"""Addresses of profiles and quality rules."""

from django.urls import path

from catalog.quality import views

urlpatterns = [
    path("<uuid:pk>/quality/rules/new/", views.rule_create, name="rule-create"),
    path("<uuid:pk>/quality/rules/accept/", views.rule_accept, name="rule-accept"),
    path("<uuid:pk>/quality/check/", views.quality_check, name="quality-check"),
    path("quality/rules/<uuid:pk>/retire/", views.rule_retire, name="rule-retire"),
    path("quality/rules/<uuid:pk>/rows/", views.rule_rows, name="rule-rows"),
    path("quality/rules/<uuid:pk>/rows/export/", views.rule_rows_export, name="rule-rows-export"),
]
