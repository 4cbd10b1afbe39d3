"""Addresses of relations."""

from django.urls import path

from catalog.relations import views

urlpatterns = [path("<uuid:pk>/impact/", views.impact_export, name="impact-export")]
