"""Addresses of renewals and yearly reviews."""

from django.urls import path

from sharing.holding import review_views, views

urlpatterns = [
    path("grants/renew/", views.grant_renew_many, name="grant-renew-many"),
    path("grants/<uuid:pk>/renew/", views.grant_renew, name="grant-renew"),
    path("renewals/", views.RenewalListView.as_view(), name="renewal-list"),
    path("renewals/export/", views.renewal_export, name="renewal-export"),
    path("renewals/<uuid:pk>/<slug:act>/", views.renewal_act, name="renewal-act"),
    path("grant-reviews/", review_views.ReviewListView.as_view(), name="review-list"),
    path("grant-reviews/export/", review_views.review_export, name="review-export"),
    path("grant-reviews/confirm/", review_views.review_confirm, name="review-confirm"),
]
