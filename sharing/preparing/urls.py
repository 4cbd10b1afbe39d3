"""Addresses of what helps to put requests together."""

from django.urls import path

from sharing.preparing import views

urlpatterns = [
    path("basket/found/", views.basket_add_found, name="basket-add-found"),
    path("requests/<uuid:pk>/copy/", views.request_copy, name="request-copy"),
    path("requests/<uuid:pk>/template/", views.template_save, name="template-save"),
    path("requests/templates/<uuid:pk>/remove/", views.template_remove, name="template-remove"),
    path("requests/<uuid:pk>/everywhere/", views.request_everywhere, name="request-everywhere"),
    path("requests/<uuid:pk>/sheet/", views.request_sheet, name="request-sheet"),
    path("requests/sheet/", views.sheet_template, name="request-sheet-template"),
    path("requests/<uuid:pk>/attachments/", views.attachment_add, name="attachment-add"),
    path("requests/<uuid:pk>/colleagues/", views.colleague_invite, name="colleague-invite"),
    path("colleagues/<int:pk>/dismiss/", views.colleague_dismiss, name="colleague-dismiss"),
    path("attachments/<uuid:pk>/", views.attachment_file, name="attachment-file"),
    path("attachments/<uuid:pk>/remove/", views.attachment_remove, name="attachment-remove"),
]
