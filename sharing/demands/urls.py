"""Addresses of the demand list, for civil servants and in the public section."""

from django.urls import path

from sharing.demands import open_views, views

urlpatterns = [
    path("demands/", views.DemandListView.as_view(), name="demand-list"),
    path("demands/export/", views.demand_export, name="demand-export"),
    path("demands/new/", views.demand_create, name="demand-create"),
    path("demands/similar/", views.demand_similar, name="demand-similar"),
    path("demands/<uuid:pk>/", views.demand_detail, name="demand-detail"),
    path("demands/<uuid:pk>/join/", views.demand_join, name="demand-join"),
    path("demands/<uuid:pk>/<slug:act>/", views.demand_act, name="demand-act"),
    path("open/demands/", open_views.open_list, name="open-demand-list"),
    path("open/demands/new/", open_views.open_create, name="open-demand-create"),
    path("open/demands/similar/", open_views.open_similar, name="open-demand-similar"),
    path("open/demands/<uuid:pk>/<slug:token>/", open_views.open_follow, name="open-demand-follow"),
]
