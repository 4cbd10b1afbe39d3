"""The record, for the audit administrator."""

from django.urls import path

from portal.audit import views

app_name = "audit"
urlpatterns = [
    path("", views.EventListView.as_view(), name="event-list"),
    path("export/", views.export, name="event-export"),
    path("checkpoints/", views.CheckpointListView.as_view(), name="checkpoint-list"),
    path("checkpoints/<int:number>/", views.checkpoint_export, name="checkpoint-export"),
    path("<int:pk>/proof/", views.proof, name="event-proof"),
    path("<int:pk>/", views.EventDetailView.as_view(), name="event-detail"),
]
