"""Addresses of the talk about requests."""

from django.urls import path

from sharing.thread import views

urlpatterns = [
    path("steps/<uuid:pk>/talk/<slug:act>/", views.step_talk, name="step-talk"),
    path("enquiries/<uuid:pk>/<slug:act>/", views.enquiry_act, name="enquiry-act"),
]
