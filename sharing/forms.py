"""Forms of requests, decisions and grants."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from catalog.models import Channel
from portal.departments.models import Department
from sharing.drafts import RequestDetails
from sharing.models import RefusalReason, SharingRequest, Verdict

YEAR = dt.timedelta(days=365)


class RequestForm(forms.ModelForm[SharingRequest]):
    """What an application states beside its items."""

    channels = forms.MultipleChoiceField(
        label=_("Sharing modes"), choices=Channel.choices, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = SharingRequest
        fields = (
            "title",
            "purpose",
            "legal_basis",
            "scenario",
            "scope_of_use",
            "channels",
            "frequency",
            "valid_until",
            "is_cross_border",
            "has_commitment",
        )
        widgets = {
            "legal_basis": forms.Textarea(attrs={"rows": 3}),
            "scenario": forms.Textarea(attrs={"rows": 3}),
            "scope_of_use": forms.Textarea(attrs={"rows": 2}),
            "valid_until": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        }
        help_texts = {
            "legal_basis": _("The law, regulation or duty for which the data are needed, with its article."),
            "scenario": _("Which business uses the data, and how."),
            "scope_of_use": _("Who will see the data inside the department."),
            "has_commitment": _("Use for the stated purpose only, no passing on, deletion at the end, leaks reported."),
        }

    def __init__(self, *args: Any, departments: QuerySet[Department] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if departments is not None:
            self.fields["department"] = forms.ModelChoiceField(departments, label=_("Applicant"), empty_label=None)
            self.order_fields(["department"])
            self.initial.setdefault("channels", [Channel.API, Channel.FILE])
            self.initial.setdefault("valid_until", timezone.localdate() + YEAR)

    def _post_clean(self) -> None:
        """Leave the instance as it is: the domain function changes it."""

    def details(self) -> RequestDetails:
        """The typed values for ``drafts``."""
        return RequestDetails(**{n: v for n, v in self.cleaned_data.items() if n != "department"})


class DecisionForm(forms.Form):
    """A verdict with reason and note; ``deciding.Decision`` checks what each verdict needs."""

    verdict = forms.ChoiceField(label=_("Decision"), choices=Verdict.choices, widget=forms.RadioSelect, required=False)
    reason = forms.ChoiceField(
        label=_("Reason of the refusal"), choices=[("", "—"), *RefusalReason.choices], required=False
    )
    note = forms.CharField(
        label=_("Note to the applicant"), widget=forms.Textarea(attrs={"rows": 2}), required=False, max_length=2_000
    )


class ReasonForm(forms.Form):
    """A reason that the other department will read."""

    reason = forms.CharField(label=_("Reason"), widget=forms.Textarea(attrs={"rows": 3}), max_length=2_000)
