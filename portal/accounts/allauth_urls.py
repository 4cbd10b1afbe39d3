"""The addresses that django-allauth looks up by its own names; signing up and resetting by mail are not among them."""

from allauth.account import views as account
from allauth.socialaccount.providers.openid_connect import views as oidc
from django.contrib.auth.views import LogoutView
from django.urls import include, path

from portal.accounts import sign_in

urlpatterns = [
    path("sign-in/", sign_in.SignInView.as_view(), name="account_login"),
    path("sign-out/", LogoutView.as_view(), name="account_logout"),
    path("confirm/", account.reauthenticate, name="account_reauthenticate"),
    path("inactive/", sign_in.inactive, name="account_inactive"),
    path("factors/", include("allauth.mfa.urls")),
    path("oidc/<str:provider_id>/login/", sign_in.identity_login, name="openid_connect_login"),
    path("oidc/<str:provider_id>/login/callback/", oidc.callback, name="openid_connect_callback"),
]
