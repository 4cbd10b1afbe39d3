"""Naming a deputy."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.accounts.models import User
from portal.departments.models import Department
from portal.deputies import delegations


def _date(label: Any) -> forms.DateField:
    return forms.DateField(label=label, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))


class DelegationForm(forms.Form):
    """The duties of one person and the colleague who takes them over; a duty is chosen as ``department:duty``."""

    duties = forms.MultipleChoiceField(label=gettext_lazy("Duties"), widget=forms.CheckboxSelectMultiple)
    deputy = forms.ModelChoiceField(label=gettext_lazy("Deputy"), queryset=User.objects.none())
    valid_from = _date(gettext_lazy("From"))
    valid_until = _date(gettext_lazy("Until, inclusive"))
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=200, help_text=gettext_lazy("For example leave or a business trip")
    )

    def __init__(self, *args: Any, principal: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held = list(delegations.delegable(principal))
        self.departments = {str(row.department_id): row.department for row in held}
        is_single = len(self.departments) == 1
        duties: Any = self.fields["duties"]
        duties.choices = [
            (
                f"{row.department_id}:{row.duty}",
                row.get_duty_display() if is_single else f"{row.department} · {row.get_duty_display()}",
            )
            for row in held
        ]
        deputy: Any = self.fields["deputy"]
        deputy.queryset = delegations.colleagues(principal, list(self.departments.values()))
        deputy.label_from_instance = lambda user: f"{user}（{user.title}）" if user.title else str(user)

    def clean_duties(self) -> tuple[Department, list[str]]:
        chosen = [value.partition(":") for value in self.cleaned_data["duties"]]
        departments = {department for department, _colon, _duty in chosen}
        if len(departments) != 1:
            raise forms.ValidationError(_("Name a deputy for one department at a time."))
        return self.departments[departments.pop()], [duty for _department, _colon, duty in chosen]
