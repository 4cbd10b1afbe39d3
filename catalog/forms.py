"""The forms of a catalogue record: the record itself, its items, an upload, and reasons."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms import BaseFormSet, formset_factory
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.documents import ITEM_FIELDS
from catalog.models import Channel, DataItem, Dataset
from catalog.tables.schema import column_names
from portal.departments.models import Department


class DatasetForm(forms.ModelForm[Dataset]):
    """Everything a record states beside its items; ``keywords`` are typed with commas."""

    channels = forms.MultipleChoiceField(
        label=gettext_lazy("Sharing modes"),
        choices=Channel.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    keywords = forms.CharField(
        label=gettext_lazy("Keywords"), required=False, help_text=gettext_lazy("Separate several with commas.")
    )
    seen_revision = forms.IntegerField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Dataset
        fields = (
            "title",
            "summary",
            "themes",
            "keywords",
            "resource_class",
            "resource_format",
            "update_cycle",
            "grade",
            "sharing_type",
            "sharing_condition",
            "sharing_basis",
            "channels",
            "open_type",
            "open_condition",
            "source_system",
            "contact",
            "licence",
            "attribution",
            "landing_page",
            "temporal_start",
            "temporal_end",
        )
        widgets = {
            "themes": forms.CheckboxSelectMultiple,
            "summary": forms.Textarea(attrs={"rows": 4}),
            "sharing_condition": forms.Textarea(attrs={"rows": 2}),
            "sharing_basis": forms.Textarea(attrs={"rows": 2}),
            "open_condition": forms.Textarea(attrs={"rows": 2}),
            "temporal_start": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
            "temporal_end": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        }
        help_texts = {
            "summary": gettext_lazy("20 to 1,000 characters: what the data hold, whom they concern, how they arise."),
            "sharing_condition": gettext_lazy("Required when sharing is conditional: for whom and for what."),
            "sharing_basis": gettext_lazy("Required unless sharing is unconditional: law and article."),
            "open_condition": gettext_lazy("Required unless the data are open."),
        }

    def __init__(self, *args: Any, departments: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["themes"].required = False
        if departments is not None:
            self.fields["provider"] = forms.ModelChoiceField(
                Department.objects.filter(pk__in=departments), label=_("Provider"), empty_label=None
            )
            self.order_fields(["provider"])
        if self.instance.pk:
            self.initial["keywords"] = "，".join(self.instance.keywords)
            self.initial["seen_revision"] = self.instance.revision

    def clean_keywords(self) -> list[str]:
        text = self.cleaned_data["keywords"].replace("，", ",").replace("、", ",")
        words = list(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
        if any(len(word) > 40 for word in words):
            raise forms.ValidationError(_("A keyword may have at most 40 characters."))
        return words

    def _post_clean(self) -> None:
        """Leave the instance as it is: the domain function changes it, and checks the model's rules."""

    def values(self) -> dict[str, Any]:
        """The record's fields for ``lifecycle``."""
        return {
            name: value
            for name, value in self.cleaned_data.items()
            if name not in ("themes", "provider", "seen_revision")
        }


class ItemForm(forms.ModelForm[DataItem]):
    """One data item; an empty column name is made from the name."""

    column = forms.CharField(label=gettext_lazy("Column"), required=False, max_length=60)

    class Meta:
        model = DataItem
        fields = ("name", "column", "data_type", "sensitivity", "sharing_type", "open_type", "is_key")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("name") and not data.get("column"):
            data["column"] = column_names([data["name"]])[0]
        return data

    def _post_clean(self) -> None:
        """The domain function checks the model's rules."""


ItemFormSet: type[BaseFormSet[ItemForm]] = formset_factory(ItemForm, extra=0, can_delete=True, max_num=2_000)


def item_initial(dataset: Dataset) -> list[dict[str, Any]]:
    """The items of a dataset as initial data of the formset."""
    return [{name: getattr(item, name) for name in ITEM_FIELDS} for item in dataset.items.all()]


def item_values(formset: BaseFormSet[ItemForm]) -> list[dict[str, Any]]:
    """The items of a valid formset for ``lifecycle``, without those marked for removal and empty rows."""
    return [
        {name: value for name, value in form.cleaned_data.items() if name != "DELETE"}
        for form in formset.forms
        if form.cleaned_data.get("name") and not form.cleaned_data.get("DELETE")
    ]


class UploadForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy(
            "CSV (UTF-8, GBK or GB18030), XLSX or GeoJSON, up to 5 GB; column names in the first line."
        ),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,.tsv,.xlsx,.geojson,.json"}),
    )


class ReasonForm(forms.Form):
    """A reason that somebody else will read."""

    reason = forms.CharField(label=gettext_lazy("Reason"), widget=forms.Textarea(attrs={"rows": 3}), max_length=2_000)
