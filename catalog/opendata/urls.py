"""The public section: nothing here needs sign-in, and nothing here is not open."""

from django.urls import path

from catalog.opendata import views
from catalog.opendata.feeds import NewestFeed

app_name = "open"
urlpatterns = [
    path("", views.home, name="home"),
    path("datasets/", views.dataset_list, name="dataset-list"),
    path("datasets/suggest/", views.suggestions, name="suggest"),
    path("datasets/<uuid:pk>/", views.dataset_detail, name="dataset-detail"),
    path("datasets/<uuid:pk>/rows/", views.dataset_rows, name="dataset-rows"),
    path("datasets/<uuid:pk>/chart.json", views.dataset_chart, name="dataset-chart"),
    path("datasets/<uuid:pk>/download/<slug:format>/", views.dataset_download, name="dataset-download"),
    path("about/", views.about, name="about"),
    path("feed.atom", NewestFeed(), name="feed"),
]
