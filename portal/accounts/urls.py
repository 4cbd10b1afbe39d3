"""Sign-in, one's own account, and the security administrator's people."""

from django.contrib.auth import views as auth
from django.urls import path, reverse_lazy

from portal.accounts import views

app_name = "accounts"
urlpatterns = [
    path(
        "sign-in/",
        auth.LoginView.as_view(template_name="portal/sign_in.html", redirect_authenticated_user=True),
        name="sign-in",
    ),
    path("sign-out/", auth.LogoutView.as_view(), name="sign-out"),
    path("", views.ProfileView.as_view(), name="profile"),
    path(
        "password/",
        auth.PasswordChangeView.as_view(
            template_name="portal/password.html", success_url=reverse_lazy("accounts:profile")
        ),
        name="password",
    ),
    path("people/", views.PersonListView.as_view(), name="person-list"),
    path("people/<int:pk>/", views.PersonDetailView.as_view(), name="person-detail"),
    path("people/<int:pk>/assign/", views.assign_duty, name="duty-assign"),
    path("people/<int:pk>/active/", views.set_active, name="person-active"),
    path("duties/<int:pk>/end/", views.end_duty, name="duty-end"),
]
