"""What is filled in when somebody is put on the restriction list."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.access import Actor
from portal.accounts.models import User
from portal.departments.fields import DepartmentField
from sharing.models import Effect, Grant, SharingRequest
from sharing.restrictions.acts import Listing


def _day(label: Any, **kwargs: Any) -> forms.DateField:
    return forms.DateField(label=label, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}), **kwargs)


class ListingForm(forms.Form):
    """A department, or one person of it, with effect, reason and term."""

    department = DepartmentField()
    person = forms.CharField(
        label=gettext_lazy("User name"),
        max_length=150,
        required=False,
        help_text=gettext_lazy("Only to list one person of the department, not all of it."),
    )
    effect = forms.ChoiceField(label=gettext_lazy("Effect"), choices=Effect.choices, widget=forms.RadioSelect)
    since = _day(gettext_lazy("From"), initial=timezone.localdate)
    until = _day(gettext_lazy("Until"), help_text=gettext_lazy("The last day, within three years."))
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("What was done against which terms; the listed side and deciding offices read it."),
    )
    basis = forms.CharField(
        label=gettext_lazy("Basis"),
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("Law, regulation or agreement with its article"),
    )
    request = forms.CharField(label=gettext_lazy("Number of the request concerned"), max_length=20, required=False)
    grant = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.actor = actor

    def clean_person(self) -> User | None:
        name = self.cleaned_data["person"].strip()
        if not name:
            return None
        found = User.objects.filter(username=name).first()
        if found is None:
            raise forms.ValidationError(_("Nobody of this department has this user name."))
        return found

    def clean_request(self) -> SharingRequest | None:
        number = self.cleaned_data["request"].strip()
        if not number:
            return None
        found = SharingRequest.objects.readable_by(self.actor.standing).filter(number=number).first()
        if found is None:
            raise forms.ValidationError(_("You know no request of this number."))
        return found

    def clean_grant(self) -> Grant | None:
        pk = self.cleaned_data["grant"]
        return Grant.objects.readable_by(self.actor.standing).filter(pk=pk).first() if pk else None

    def listing(self) -> Listing:
        return Listing(**self.cleaned_data)
