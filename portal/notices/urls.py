"""One's notices and choices, webhooks of departments, and what was sent."""

from django.urls import path

from portal.notices import settings_views, views

app_name = "notices"
urlpatterns = [
    path("", views.NoticeListView.as_view(), name="notice-list"),
    path("read/", views.read_all, name="notice-read-all"),
    path("settings/", settings_views.choices, name="notice-settings"),
    path("settings/test/", settings_views.send_test, name="notice-test"),
    path("deliveries/", settings_views.DeliveryListView.as_view(), name="delivery-list"),
    path("deliveries/<uuid:pk>/retry/", settings_views.retry, name="delivery-retry"),
    path("webhooks/<uuid:pk>/", settings_views.webhook, name="webhook"),
    path("webhooks/<uuid:pk>/remove/", settings_views.webhook_remove, name="webhook-remove"),
    path("webhooks/<uuid:pk>/test/", settings_views.webhook_test, name="webhook-test"),
    path("<int:pk>/", views.open_notice, name="notice-open"),
    path("<int:pk>/mark/", views.mark, name="notice-mark"),
]
