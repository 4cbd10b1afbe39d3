"""The review of rights."""

from django.urls import path

from portal.rights import views

app_name = "rights"
urlpatterns = [
    path("", views.right_list, name="right-list"),
    path("export/", views.right_export, name="right-export"),
    path("sign/", views.sign_off, name="right-sign"),
    path("reviews/<slug:quarter>/", views.review_download, name="review-download"),
]
