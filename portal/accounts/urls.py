"""Sign-in, one's own account, and the security administrator's people."""

from django.contrib.auth import views as auth
from django.urls import path

from portal.accounts import management_views as manage
from portal.accounts import sign_in, views

app_name = "accounts"
urlpatterns = [
    path("sign-in/", sign_in.SignInView.as_view(), name="sign-in"),
    path("sign-out/", auth.LogoutView.as_view(), name="sign-out"),
    path("", views.ProfileView.as_view(), name="profile"),
    path("password/", sign_in.PasswordView.as_view(), name="password"),
    path("sessions/", sign_in.SessionListView.as_view(), name="session-list"),
    path("sessions/end/", sign_in.end_sessions, name="session-end"),
    path("people/", views.PersonListView.as_view(), name="person-list"),
    path("people/new/", manage.PersonCreateView.as_view(), name="person-create"),
    path("people/<int:pk>/password/", manage.reset_password, name="password-reset"),
    path("people/<int:pk>/admin-role/", manage.set_admin_role, name="admin-role"),
    path("people/<int:pk>/factor-reset/", manage.ask_factor_reset, name="factor-reset-ask"),
    path("people/<int:pk>/unlock/", manage.unlock, name="unlock"),
    path("lockouts/", manage.LockoutListView.as_view(), name="lockout-list"),
    path("factor-resets/", manage.FactorResetListView.as_view(), name="factor-reset-list"),
    path("factor-resets/<int:pk>/confirm/", manage.confirm_factor_reset, name="factor-reset-confirm"),
    path("factor-resets/<int:pk>/cancel/", manage.cancel_factor_reset, name="factor-reset-cancel"),
    path("people/<int:pk>/", views.PersonDetailView.as_view(), name="person-detail"),
    path("people/<int:pk>/assign/", views.assign_duty, name="duty-assign"),
    path("people/<int:pk>/active/", views.set_active, name="person-active"),
    path("duties/<int:pk>/end/", views.end_duty, name="duty-end"),
]
