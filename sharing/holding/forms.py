"""What is filled in about renewals and reviews."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy

from sharing.holding.renewals import TEXT_LIMIT, Wish


class RenewForm(forms.Form):
    """That the use goes on, and until when."""

    until = forms.DateField(
        label=gettext_lazy("New last day"),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        help_text=gettext_lazy("Empty for as long as possible: the first term again, at most a year."),
    )
    statement = forms.CharField(
        label=gettext_lazy("What the data are still used for"),
        max_length=TEXT_LIMIT,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    has_commitment = forms.BooleanField(
        label=gettext_lazy(
            "We go on using the data only for the stated purpose, do not pass them on, protect them, and delete them "
            "at the end."
        ),
        required=False,
    )

    def wish(self) -> Wish:
        """The typed values for ``renewals``."""
        data = self.cleaned_data
        return Wish(data["statement"], data["has_commitment"], data["until"])


class RefuseForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=TEXT_LIMIT, widget=forms.Textarea(attrs={"rows": 3})
    )


class NoWordsForm(forms.Form):
    """An act that needs no words."""
