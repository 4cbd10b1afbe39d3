"""Addresses of supervision."""

from django.urls import path

from sharing.supervision import vacant_views, views

urlpatterns = [
    path("supervision/", views.SupervisionView.as_view(), name="supervision"),
    path("supervision/issue/", views.supervision_issue, name="supervision-issue"),
    path("supervision/notices/", views.NoticesView.as_view(), name="supervision-notices"),
    path("supervision/notices/<int:pk>/answer/", views.supervision_answer, name="supervision-answer"),
    path("supervision/vacant/", vacant_views.VacantView.as_view(), name="supervision-vacant"),
    path("supervision/vacant/<uuid:pk>/", vacant_views.hand_over, name="supervision-hand-over"),
    path("supervision/figures/", views.supervision_figures, name="supervision-figures"),
]
