"""The state of the installation, for the system administrator."""

from django.urls import path

from portal.system import views

app_name = "system"
urlpatterns = [path("", views.StatusView.as_view(), name="status")]
