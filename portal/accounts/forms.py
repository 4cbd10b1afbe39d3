"""What people type to sign in and to manage accounts."""

from __future__ import annotations

import time
from typing import Any

from allauth.account.forms import LoginForm
from allauth.core import context
from allauth.mfa import app_settings as mfa_settings
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.mfa.utils import decrypt
from axes.handlers.proxy import AxesProxyHandler
from django import forms
from django.conf import settings
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts.adapters import WRONG_CODE
from portal.accounts.models import AdminRole, User
from portal.departments.fields import DepartmentField
from portal.departments.models import Duty


class SignInForm(LoginForm):
    """Name and password; the name's field is called ``username`` as it always was."""

    def add_prefix(self, field_name: str) -> str:
        return "username" if field_name == "login" else super().add_prefix(field_name)

    def clean_login(self) -> str:
        """Names with characters that no name can have are nobody's."""
        return str(self.cleaned_data["login"]).strip().replace("\x00", "")


class _OneUse:
    """A code of an authenticator app is good once, on whichever server; wrong ones count as failed sign-ins."""

    user: User
    authenticator: Authenticator

    def clean_code(self) -> str:
        credentials = {"username": self.user.username}
        if settings.AXES_ENABLED and not AxesProxyHandler.is_allowed(context.request, credentials):
            context.request.axes_locked_out = True
            raise forms.ValidationError(WRONG_CODE)
        code: str = super().clean_code()  # type: ignore[misc]
        if self.authenticator.type == Authenticator.Type.TOTP and not _use(self.authenticator, code):
            raise forms.ValidationError(WRONG_CODE)
        return code


@transaction.atomic
def _use(authenticator: Authenticator, code: str) -> bool:
    """Take the code's half minute; False when it, or a later one, was taken before (RFC 6238, 5.2)."""
    locked = Authenticator.objects.select_for_update().get(pk=authenticator.pk)
    secret = decrypt(locked.data["secret"])
    now = int(time.time()) // mfa_settings.TOTP_PERIOD
    tolerance = range(-mfa_settings.TOTP_TOLERANCE, mfa_settings.TOTP_TOLERANCE + 1)
    typed = code.replace(" ", "").replace("-", "")
    counter = next((now + n for n in tolerance if format_hotp_value(hotp_value(secret, now + n)) == typed), None)
    if counter is None or counter <= locked.data.get("last_counter", 0):
        return False
    locked.data["last_counter"] = counter
    locked.save(update_fields=["data"])
    return True


class SecondFactorForm(_OneUse, AuthenticateForm):
    """The code asked for after the password."""


class SecondFactorAgainForm(_OneUse, ReauthenticateForm):
    """The code asked for before something that matters."""


class PasswordForm(PasswordChangeForm):
    """One's own new password, with the old one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["old_password"].label = _("Current password")
        self.fields["new_password1"].label = _("New password")
        self.fields["new_password2"].label = _("New password, again")
        self.fields["new_password2"].help_text = ""


class PersonForm(forms.Form):
    """A new person: who it is, and the first duty or the administrator's part."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=60)
    username = forms.CharField(
        label=gettext_lazy("User name"),
        max_length=150,
        validators=[UnicodeUsernameValidator()],
        help_text=gettext_lazy("Letters, digits and @ . + - _; it cannot be changed later."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    title = forms.CharField(label=gettext_lazy("Position"), max_length=60, required=False)
    email = forms.EmailField(label=gettext_lazy("E-mail"), required=False)
    department = DepartmentField(required=False)
    duty = forms.ChoiceField(
        label=gettext_lazy("First duty"), required=False, choices=[("", gettext_lazy("none yet")), *Duty.choices]
    )
    admin_role = forms.ChoiceField(
        label=gettext_lazy("Administrator"),
        required=False,
        choices=[("", gettext_lazy("no")), *AdminRole.choices],
        help_text=gettext_lazy("An administrator holds no duty."),
    )

    def clean_username(self) -> str:
        name = str(self.cleaned_data["username"]).strip()
        if User.objects.filter(username__iexact=name).exists():
            raise forms.ValidationError(_("This user name is taken."))
        return name

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if bool(data.get("department")) != bool(data.get("duty")) and "department" not in self.errors:
            self.add_error("duty", _("Give a department and a duty, or neither."))
        if data.get("admin_role") and data.get("duty"):
            self.add_error("admin_role", _("An administrator of the portal cannot hold a duty in a department."))
        return data


class FactorResetForm(forms.Form):
    """Why a second factor is to be reset."""

    reason = forms.CharField(
        label=gettext_lazy("How you made sure"),
        max_length=200,
        help_text=gettext_lazy("For example: came in person and showed the service card."),
    )
