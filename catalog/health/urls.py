"""Addresses of the catalogue's health."""

from django.urls import path

from catalog.health import views

urlpatterns = [
    path("health/", views.ranking, name="health-ranking"),
    path("health/export/", views.ranking_export, name="health-ranking-export"),
    path("health/<uuid:pk>/", views.department_health, name="health-department"),
    path("health/<uuid:pk>/chart/", views.department_chart, name="health-chart"),
    path("health/<uuid:pk>/export/", views.department_export, name="health-export"),
]
