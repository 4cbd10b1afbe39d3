"""One's notices."""

from django.urls import path

from portal.notices import views

app_name = "notices"
urlpatterns = [
    path("", views.NoticeListView.as_view(), name="notice-list"),
    path("read/", views.read_all, name="notice-read-all"),
    path("<int:pk>/", views.open_notice, name="notice-open"),
]
