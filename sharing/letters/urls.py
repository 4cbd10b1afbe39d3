"""Addresses of letters and files."""

from django.urls import path

from sharing.letters import views

urlpatterns = [
    path("letters/", views.LetterListView.as_view(), name="letter-list"),
    path("letters/<uuid:pk>/", views.letter_detail, name="letter-detail"),
    path("letters/<uuid:pk>/pdf/", views.letter_pdf, name="letter-pdf"),
    path("letters/<uuid:pk>/odrl/", views.letter_odrl, name="letter-odrl"),
    path("letters/<uuid:pk>/confirm/", views.letter_confirm, name="letter-confirm"),
    path("verify/<str:number>/<str:code>/", views.letter_verify, name="letter-verify"),
    path("requests/<uuid:pk>/file/<slug:format>/", views.request_file, name="request-file"),
]
