"""Departments and who decides in them."""

from django.urls import path

from portal.departments import views

app_name = "departments"
urlpatterns = [
    path("", views.DepartmentListView.as_view(), name="department-list"),
    path("<uuid:pk>/", views.DepartmentDetailView.as_view(), name="department-detail"),
]
