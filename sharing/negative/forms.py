"""What is filled in about records that are not shared."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy

from sharing.demands.forms import SeenForm


class ReviewForm(SeenForm):
    """Still not shared: on which basis, and until when."""

    basis = forms.CharField(
        label=gettext_lazy("Legal basis"),
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Law or regulation with its article"),
    )
    until = forms.DateField(
        label=gettext_lazy("Next review on"), widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )


class TextForm(forms.Form):
    """A question or an answer."""

    text = forms.CharField(label=gettext_lazy("Text"), max_length=2_000, widget=forms.Textarea(attrs={"rows": 3}))
