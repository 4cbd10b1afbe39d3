"""Departments and who decides in them."""

from django.urls import path

from portal.departments import acts, list_views, people_views, views

app_name = "departments"
urlpatterns = [
    path("", views.DepartmentListView.as_view(), name="department-list"),
    path("list.csv", views.DepartmentExportView.as_view(), name="department-export"),
    path("regions/", views.RegionTreeView.as_view(), name="region-tree"),
    path("lines/", views.LineTreeView.as_view(), name="line-tree"),
    path("new/", acts.CreateView.as_view(), name="department-create"),
    path("export/<slug:kind>/", list_views.export, name="list-export"),
    path("import/", list_views.ImportView.as_view(), name="list-import"),
    path("import/<slug:kind>/<uuid:token>/", list_views.ImportPlanView.as_view(), name="import-plan"),
    path("import/<uuid:token>/rejected/", list_views.rejected, name="import-rejected"),
    path("<uuid:pk>/edit/", acts.EditView.as_view(), name="department-edit"),
    path("<uuid:pk>/move/", acts.MoveView.as_view(), name="department-move"),
    path("<uuid:pk>/merge/", acts.MergeView.as_view(), name="department-merge"),
    path("<uuid:pk>/split/", acts.SplitView.as_view(), name="department-split"),
    path("<uuid:pk>/abolish/", acts.AbolishView.as_view(), name="department-abolish"),
    path("<uuid:pk>/people/", people_views.PeopleView.as_view(), name="people"),
    path("<uuid:pk>/people/<int:membership>/end/", people_views.end, name="people-end"),
    path("<uuid:pk>/", views.DepartmentDetailView.as_view(), name="department-detail"),
]
