"""The forms of a catalogue record: the record itself, its items, an upload, and reasons."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from django import forms
from django.forms import BaseFormSet, formset_factory
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.documents import RELATIONS, Document
from catalog.models import Channel, DataElement, DataItem, Dataset, DisclosureRole, Theme
from catalog.tables.schema import column_names
from portal.departments.models import Department, Region
from portal.lists import listed


class RegionField(forms.CharField):
    """A region by its division code or its name."""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        found = Region.objects.filter(pk=text)[:1] or Region.objects.filter(name=text).order_by("level")[:2]
        if len(found) != 1:
            raise forms.ValidationError(_("No region, or more than one, has this name. Give its division code."))
        return found[0]


class ElementField(forms.CharField):
    """A data element by its code or its name."""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        current = DataElement.objects.filter(retired_at__isnull=True)
        found = DataElement.objects.filter(code=text)[:1] or current.filter(name=text)[:2]
        if len(found) != 1:
            raise forms.ValidationError(_("There is no data element with this code or name."))
        return found[0]


class CodesField(forms.CharField):
    """Other records by their resource codes, separated by commas or spaces."""

    def clean(self, value: Any) -> list[str]:
        codes = list(dict.fromkeys(re.split(r"[\s,，、;；]+", super().clean(value).strip()))) if value else []
        known = set(Dataset.objects.filter(code__in=codes).values_list("code", flat=True))
        unknown = [code for code in codes if code not in known]
        if unknown:
            raise forms.ValidationError(_("There is no record with the code %(codes)s.") % {"codes": listed(unknown)})
        return codes


class Section(NamedTuple):
    """A part of the form under one heading."""

    key: str
    title: Any
    fields: tuple[str, ...]


SECTIONS = (
    Section(
        "basics",
        gettext_lazy("Basics"),
        ("provider", "title", "title_en", "summary", "themes", "keywords", "resource_class", "data_category"),
    ),
    Section(
        "form",
        gettext_lazy("Form and update"),
        ("resource_format", "format_type", "update_cycle", "language", "conforms_to"),
    ),
    Section(
        "sharing",
        gettext_lazy("Sharing"),
        ("sharing_type", "grade", "sharing_condition", "sharing_basis", "sharing_review_on", "channels"),
    ),
    Section("opening", gettext_lazy("Opening"), ("open_type", "licence", "open_condition", "attribution")),
    Section(
        "coverage",
        gettext_lazy("Coverage"),
        ("spatial", "spatial_resolution_m", "temporal_start", "temporal_end", "temporal_resolution"),
    ),
    Section(
        "origin",
        gettext_lazy("Origin and contact"),
        ("source_system", "contact", "landing_page", "provenance", "version_notes"),
    ),
    Section("relations", gettext_lazy("Relations"), RELATIONS),
)
_WIDE = ("provider", "title", "title_en", "summary", "themes", "channels", "provenance", "version_notes")


class DatasetForm(forms.ModelForm[Dataset]):
    """Everything a record states beside its items, in sections; its initial values are those of a document."""

    channels = forms.MultipleChoiceField(
        label=gettext_lazy("Sharing modes"),
        choices=Channel.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("How other departments may get the data; not needed when they are not shared."),
    )
    keywords = forms.CharField(
        label=gettext_lazy("Keywords"), required=False, help_text=gettext_lazy("Separate several with commas.")
    )
    spatial = RegionField(
        label=gettext_lazy("Spatial coverage"),
        required=False,
        help_text=gettext_lazy("The region that the data describe, by name or division code."),
    )
    derived_from = CodesField(
        label=gettext_lazy("Derived from"),
        required=False,
        help_text=gettext_lazy("Resource codes of the records whose data these are made from, separated by commas."),
    )
    part_of = CodesField(
        label=gettext_lazy("Part of"),
        required=False,
        help_text=gettext_lazy("Resource codes of larger records that hold these data too."),
    )
    replaces = CodesField(
        label=gettext_lazy("Replaces"),
        required=False,
        help_text=gettext_lazy("Resource codes of older records in whose place this one comes."),
    )
    related = CodesField(
        label=gettext_lazy("Related datasets"),
        required=False,
        help_text=gettext_lazy("Resource codes, separated by commas."),
    )
    seen_revision = forms.IntegerField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Dataset
        fields = tuple(name for section in SECTIONS for name in section.fields if name not in ("provider", *RELATIONS))
        widgets = {
            "themes": forms.CheckboxSelectMultiple,
            "summary": forms.Textarea(attrs={"rows": 4}),
            "sharing_condition": forms.Textarea(attrs={"rows": 2}),
            "sharing_basis": forms.Textarea(attrs={"rows": 2}),
            "open_condition": forms.Textarea(attrs={"rows": 2}),
            "language": forms.Select(choices=[("zh", gettext_lazy("Chinese")), ("en", gettext_lazy("English"))]),
            "provenance": forms.Textarea(attrs={"rows": 3}),
            "version_notes": forms.Textarea(attrs={"rows": 2}),
            "sharing_review_on": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
            "temporal_start": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
            "temporal_end": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        }
        help_texts = {
            "title": gettext_lazy("What the data are, without the department's name; unique in your department."),
            "title_en": gettext_lazy("Shown to readers of the English pages and in the interfaces."),
            "summary": gettext_lazy("20 to 1,000 characters: what the data hold, whom they concern, how they arise."),
            "data_category": gettext_lazy("The category under your field's classification rules (GB/T 43697)."),
            "resource_class": gettext_lazy("The first digit of the resource code; it does not change the code later."),
            "format_type": gettext_lazy("The file or interface type, for example csv, xlsx, REST."),
            "update_cycle": gettext_lazy("A promise: late datasets are listed and their providers reminded."),
            "conforms_to": gettext_lazy("Standards the data follow, with their numbers."),
            "grade": gettext_lazy("At least the grade of its highest item (GB/T 43697)."),
            "sharing_condition": gettext_lazy("Required when sharing is conditional: for whom and for what."),
            "sharing_basis": gettext_lazy("Required unless sharing is unconditional: law and article."),
            "sharing_review_on": gettext_lazy("For data that are not shared: when it is looked at again."),
            "open_condition": gettext_lazy("Required unless the data are open."),
            "licence": gettext_lazy("For open data: on which terms they may be used."),
            "temporal_resolution": gettext_lazy("How far apart the observations are, as a duration: P1D, P1M."),
            "contact": gettext_lazy("The office that answers questions, not a person's private number."),
            "provenance": gettext_lazy("From which work, systems or surveys the data come."),
            "version_notes": gettext_lazy("What users of the data should know about this version."),
        }

    def __init__(self, *args: Any, departments: Any = None, document: Document | None = None, **kwargs: Any) -> None:
        if document is not None:
            kwargs["initial"] = form_initial(document) | (kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)
        self.fields["themes"].required = self.fields["language"].required = False
        themes = Theme.objects.filter(retired_at__isnull=True) | Theme.objects.filter(
            code__in=self.initial.get("themes") or []
        )
        self.fields["themes"].queryset = themes  # type: ignore[attr-defined]
        if departments is not None:
            self.fields["provider"] = forms.ModelChoiceField(
                Department.objects.filter(pk__in=departments), label=_("Provider"), empty_label=None
            )

    @property
    def sections(self) -> list[dict[str, Any]]:
        """The fields under their headings, each with whether it is wide."""
        return [
            {
                "key": section.key,
                "title": section.title,
                "fields": [(self[name], name in _WIDE) for name in section.fields if name in self.fields],
            }
            for section in SECTIONS
        ]

    def clean_language(self) -> str:
        return self.cleaned_data["language"] or "zh"

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
        left_out = ("themes", "provider", "seen_revision")
        return {name: value for name, value in self.cleaned_data.items() if name not in left_out}


def form_initial(document: Document) -> dict[str, Any]:
    """A document as the form shows it."""
    joined = {name: "，".join(document.get(name) or []) for name in ("keywords", *RELATIONS)}
    return {**document, **joined}


class ItemForm(forms.ModelForm[DataItem]):
    """One data item; an empty column name is made from the name."""

    column = forms.CharField(label=gettext_lazy("Column"), required=False, max_length=60)
    element = ElementField(
        label=gettext_lazy("Data element"), required=False, widget=forms.TextInput(attrs={"list": "elements"})
    )

    class Meta:
        model = DataItem
        fields = (
            "name",
            "column",
            "data_type",
            "sensitivity",
            "sharing_type",
            "open_type",
            "is_key",
            "is_nullable",
            "name_en",
            "element",
            "length",
            "precision",
            "unit",
            "disclosure_role",
            "description",
        )

    MORE = ("name_en", "element", "length", "precision", "unit", "disclosure_role", "description")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["disclosure_role"].required = False

    @property
    def more(self) -> list[forms.BoundField]:
        """The fields that stand behind "more"."""
        return [self[name] for name in self.MORE]

    @property
    def has_more(self) -> bool:
        """Whether one of them is filled or wrong."""
        return any(self[name].value() not in (None, "", "none") or self[name].errors for name in self.MORE)

    def clean_element(self) -> DataElement | None:
        """A retired element stays on the item that has it, and is given to no other."""
        element: DataElement | None = self.cleaned_data["element"]
        if element and element.retired_at and element.code != self.initial.get("element"):
            raise forms.ValidationError(_("This data element is retired."))
        return element

    def clean_disclosure_role(self) -> str:
        """Nothing chosen is no role."""
        return str(self.cleaned_data["disclosure_role"] or DisclosureRole.NONE)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("name") and not data.get("column"):
            data["column"] = column_names([data["name"]])[0]
        return data

    def _post_clean(self) -> None:
        """The domain function checks the model's rules."""


ItemFormSet: type[BaseFormSet[ItemForm]] = formset_factory(ItemForm, extra=0, can_delete=True, max_num=2_000)


def item_values(formset: BaseFormSet[ItemForm]) -> list[dict[str, Any]]:
    """The items of a valid formset for ``lifecycle``, without those marked for removal and empty rows."""
    return [
        {name: value for name, value in form.cleaned_data.items() if name != "DELETE"}
        for form in formset.forms
        if form.cleaned_data.get("name") and not form.cleaned_data.get("DELETE")
    ]


class ReasonForm(forms.Form):
    """A reason that somebody else will read."""

    reason = forms.CharField(label=gettext_lazy("Reason"), widget=forms.Textarea(attrs={"rows": 3}), max_length=2_000)
