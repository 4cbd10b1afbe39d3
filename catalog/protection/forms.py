"""Masks as people choose them: a method, and where it has one its parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.tables.masks import HINTS, LABELS, BadMask, Method, parse_mask, suits
from catalog.tables.schema import Column


class MaskWidget(forms.MultiWidget):
    """A choice of methods, and a parameter beside it."""

    def __init__(self, choices: Sequence[tuple[str, Any]]) -> None:
        hint = gettext_lazy("Parameter")
        super().__init__([forms.Select(choices=choices), forms.TextInput(attrs={"placeholder": hint, "size": 6})])

    def decompress(self, value: Any) -> list[str]:
        method, _colon, parameter = str(value or "").partition(":")
        return [method, parameter]

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        for part, label in zip(context["widget"]["subwidgets"], (_("Mask"), _("Parameter")), strict=True):
            part["attrs"]["aria-label"] = f"{(attrs or {}).get('aria-label', '')} {label}".strip()
        return context


class MaskField(forms.MultiValueField):
    """A mask as ``parse_mask`` reads it, or nothing; only methods that suit the column are offered."""

    widget: Any

    def __init__(self, column: Column, **kwargs: Any) -> None:
        self.column = column
        choices = [("", gettext_lazy("As it is")), *((m.value, LABELS[m]) for m in Method if suits(m, column))]
        fields = (forms.ChoiceField(choices=choices, required=False), forms.CharField(max_length=20, required=False))
        widget = MaskWidget(choices)
        widget.attrs["aria-label"] = column.title
        super().__init__(fields, widget=widget, required=False, require_all_fields=False, **kwargs)

    def compress(self, data_list: list[str]) -> str:
        method, parameter = [*data_list, "", ""][:2]
        if not method:
            return ""
        text = f"{method}:{parameter.strip()}" if method in HINTS else method
        try:
            return parse_mask(text, self.column).text
        except BadMask as error:
            raise forms.ValidationError(str(error)) from error


class MasksForm(forms.Form):
    """A mask for each column, once for each of ``kinds`` (name → label); ``masks`` are those there are, by kind."""

    def __init__(
        self,
        *args: Any,
        columns: Sequence[Column],
        kinds: Mapping[str, Any],
        masks: Mapping[str, Mapping[str, str]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.columns, self.kinds = columns, kinds
        for column in columns:
            for kind, label in kinds.items():
                initial = masks.get(kind, {}).get(column.name, "")
                self.fields[f"{kind}-{column.name}"] = MaskField(column, label=label, initial=initial)

    @property
    def rows(self) -> list[tuple[Column, list[forms.BoundField]]]:
        """Each column with its fields."""
        return [(column, [self[f"{kind}-{column.name}"] for kind in self.kinds]) for column in self.columns]

    def chosen(self, kind: str) -> dict[str, str]:
        """The masks of a valid form, by column, those without left out."""
        found = {column.name: self.cleaned_data[f"{kind}-{column.name}"] for column in self.columns}
        return {name: text for name, text in found.items() if text}


class GrantMasksForm(MasksForm):
    """The masks of one grant, with the reason that its users read."""

    reason = forms.CharField(label=gettext_lazy("Reason"), widget=forms.Textarea(attrs={"rows": 2}), max_length=1_000)
