"""Deputies."""

from django.urls import path

from portal.deputies import views

app_name = "deputies"
urlpatterns = [
    path("", views.DelegationListView.as_view(), name="deputy-list"),
    path("new/", views.delegation_create, name="deputy-create"),
    path("<uuid:pk>/end/", views.delegation_end, name="deputy-end"),
]
