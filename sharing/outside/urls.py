"""Addresses of conditionally open data and of applications for them, in the public section."""

from django.urls import path

from sharing.outside import follow, views

urlpatterns = [
    path("open/conditional/", views.conditional_list, name="conditional-list"),
    path("open/conditional/<uuid:pk>/", views.conditional_detail, name="conditional-detail"),
    path("open/applications/basket/", views.application_basket, name="application-basket"),
    path("open/applications/new/", views.application_create, name="application-create"),
    path("open/applications/<uuid:pk>/<slug:token>/", follow.application_follow, name="application-follow"),
    path(
        "open/applications/<uuid:pk>/<slug:token>/data/<uuid:grant_pk>/<slug:format>/",
        follow.application_download,
        name="application-download",
    ),
    path(
        "open/applications/<uuid:pk>/<slug:token>/letters/<uuid:letter_pk>/",
        follow.application_letter,
        name="application-letter",
    ),
]
