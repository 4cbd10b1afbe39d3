"""Forms of the standards."""

from __future__ import annotations

import io
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from catalog.models import CodeList, DataElement, Theme

DAY = forms.DateInput(attrs={"type": "date"})


class ThemeForm(forms.ModelForm[Theme]):
    """A class's name in both languages."""

    class Meta:
        model = Theme
        fields = ("name", "name_en")


class CodeListForm(forms.ModelForm[CodeList]):
    """What is said of a code list."""

    class Meta:
        model = CodeList
        fields = ("code", "name", "name_en", "source", "description")
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}
        help_texts = {"source": _("For example GB/T 2261.1-2003.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].disabled = not self.instance._state.adding


class VersionForm(forms.Form):
    """The values of a new version: a file, or lines typed here."""

    file = forms.FileField(
        label=_("File"),
        required=False,
        help_text=_("XLSX or CSV with the columns code, name, parent code and description; cells as text."),
        widget=forms.ClearableFileInput(attrs={"accept": ".xlsx,.csv"}),
    )
    lines = forms.CharField(
        label=_("or type the values"),
        required=False,
        max_length=200_000,
        strip=False,
        help_text=_("One value a line: code, name, parent code and description, parted by tabs or commas."),
        widget=forms.Textarea(attrs={"rows": 14, "spellcheck": "false"}),
    )
    note = forms.CharField(label=_("what it changes"), max_length=500, required=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("file") and not data.get("lines", "").strip():
            raise forms.ValidationError(_("Choose a file or type the values."))
        return data


class PublishForm(forms.Form):
    """The day from which a version is in force."""

    valid_from = forms.DateField(label=_("in force from"), widget=DAY)


class ElementForm(forms.ModelForm[DataElement]):
    """A data element."""

    class Meta:
        model = DataElement
        fields = (
            "code",
            "name",
            "name_en",
            "definition",
            "data_type",
            "length",
            "precision",
            "unit",
            "pattern",
            "check_digit",
            "code_list",
            "source_standard",
        )
        widgets = {"definition": forms.Textarea(attrs={"rows": 3})}
        help_texts = {
            "pattern": _("A regular expression that the whole value must match, for example [0-9]{6}."),
            "source_standard": _("For example GB 11643-1999."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].disabled = not self.instance._state.adding
        lists = CodeList.objects.filter(retired_at__isnull=True) | CodeList.objects.filter(elements=self.instance.pk)
        self.fields["code_list"].queryset = lists  # type: ignore[attr-defined]


def typed_values(text: str) -> list[dict[str, str]]:
    """Lines typed as code, name, parent and description, parted by tabs where there are any, else by commas."""
    import csv

    delimiter = "\t" if "\t" in text else ","
    rows = csv.reader(io.StringIO(text.replace("，", ",") if delimiter == "," else text), delimiter=delimiter)
    names = ("code", "name", "parent", "description")
    return [
        {name: cell.strip() for name, cell in zip(names, [*row, "", "", ""], strict=False)}
        for row in rows
        if any(cell.strip() for cell in row)
    ]
