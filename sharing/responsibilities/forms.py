"""What the authority fills in about responsibilities."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from portal.departments.fields import DepartmentField
from sharing.demands.forms import RecordField, SeenForm
from sharing.responsibilities.acts import Entry


class EntryForm(SeenForm):
    """One entered line; the record may still be missing or a draft."""

    department = DepartmentField()
    title = forms.CharField(label=gettext_lazy("What is to be shared"), max_length=200)
    basis = forms.CharField(label=gettext_lazy("Basis"), max_length=500, required=False)
    due_on = forms.DateField(
        label=gettext_lazy("Due on"), widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    needs_data = forms.BooleanField(label=gettext_lazy("With data, not only the record"), required=False)
    dataset = RecordField(
        label=gettext_lazy("Record that meets it"),
        required=False,
        help_text=gettext_lazy("Resource code or whole title; may be added later"),
    )

    def entry(self) -> Entry:
        """The typed values for ``acts``."""
        words: dict[str, Any] = self.words()
        return Entry(**words)


class WorkbookForm(forms.Form):
    """A workbook of lines."""

    file = forms.FileField(
        label=gettext_lazy("Workbook"),
        widget=forms.ClearableFileInput(attrs={"accept": ".xlsx"}),
        help_text=gettext_lazy("The empty workbook has the columns; one line for each entry."),
    )
