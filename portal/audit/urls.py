"""The record, for the audit administrator."""

from django.urls import path

from portal.audit import views

app_name = "audit"
urlpatterns = [
    path("", views.EventListView.as_view(), name="event-list"),
    path("export/", views.export, name="event-export"),
    path("<int:pk>/", views.EventDetailView.as_view(), name="event-detail"),
]
