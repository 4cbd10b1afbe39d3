"""Basket, requests, queue and grants."""

from django.urls import include, path

from sharing.views import grants, queue, requests

app_name = "sharing"
urlpatterns = [
    path("basket/", requests.basket, name="basket"),
    path("basket/add/", requests.basket_add, name="basket-add"),
    path("basket/remove/", requests.basket_remove, name="basket-remove"),
    path("requests/", requests.RequestListView.as_view(), name="request-list"),
    path("requests/export/", requests.request_export, name="request-export"),
    path("requests/new/", requests.request_create, name="request-create"),
    path("requests/<uuid:pk>/", requests.request_detail, name="request-detail"),
    path("requests/<uuid:pk>/edit/", requests.request_edit, name="request-edit"),
    path("requests/<uuid:pk>/add/", requests.request_add, name="request-add"),
    path("requests/<uuid:pk>/submit/", requests.request_submit, name="request-submit"),
    path("requests/<uuid:pk>/resubmit/", requests.request_resubmit, name="request-resubmit"),
    path("requests/<uuid:pk>/withdraw/", requests.request_withdraw, name="request-withdraw"),
    path("requests/<uuid:pk>/items/<uuid:item_pk>/", requests.item_edit, name="item-edit"),
    path("requests/<uuid:pk>/items/<uuid:item_pk>/remove/", requests.item_remove, name="item-remove"),
    path("requests/<uuid:pk>/items/<uuid:item_pk>/terms/", requests.item_terms, name="item-terms"),
    path("queue/", queue.QueueView.as_view(), name="queue"),
    path("queue/export/", queue.queue_export, name="queue-export"),
    path("queue/decide/", queue.queue_decide, name="queue-decide"),
    path("steps/<uuid:pk>/", queue.step_page, name="step-detail"),
    path("steps/<uuid:pk>/decide/", queue.step_decide, name="step-decide"),
    path("grants/", grants.GrantListView.as_view(), name="grant-list"),
    path("grants/export/", grants.grant_export, name="grant-export"),
    path("grants/<uuid:pk>/", grants.grant_detail, name="grant-detail"),
    path("grants/<uuid:pk>/keys/", grants.credential_create, name="credential-create"),
    path("grants/<uuid:pk>/download/<slug:format>/", grants.grant_download, name="grant-download"),
    path("grants/<uuid:pk>/revoke/", grants.grant_revoke, name="grant-revoke"),
    path("grants/<uuid:pk>/masks/", grants.grant_masks, name="grant-masks"),
    path("grants/<uuid:pk>/suspend/", grants.grant_suspend, name="grant-suspend"),
    path("keys/<uuid:pk>/withdraw/", grants.credential_withdraw, name="credential-withdraw"),
    path("", include("sharing.demands.urls")),
    path("", include("sharing.responsibilities.urls")),
    path("", include("sharing.negative.urls")),
    path("", include("sharing.routing.urls")),
    path("", include("sharing.supervision.urls")),
    path("", include("sharing.disputes.urls")),
    path("", include("sharing.thread.urls")),
    path("", include("sharing.letters.urls")),
]
