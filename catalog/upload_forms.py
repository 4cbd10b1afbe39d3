"""What is asked of an upload: the file, what becomes of the rows that are there, and the types of its columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.models import LoadMode
from catalog.tables.schema import Column, ColumnType


class UploadForm(forms.Form):
    """A file, or the id of one that came in parts."""

    upload = forms.UUIDField(required=False, widget=forms.HiddenInput)
    file = forms.FileField(
        label=gettext_lazy("File"),
        required=False,
        help_text=gettext_lazy(
            "CSV (any usual encoding), XLSX, JSON, JSON lines, GeoJSON or Parquet, also as gzip or ZIP; up to 5 GB."
        ),
        widget=forms.ClearableFileInput(
            attrs={"accept": ".csv,.txt,.tsv,.xlsx,.geojson,.json,.jsonl,.ndjson,.parquet,.gz,.zip"}
        ),
    )
    mode = forms.ChoiceField(
        label=gettext_lazy("What becomes of the rows that are there"),
        choices=LoadMode.choices,
        initial=LoadMode.REPLACE,
        required=False,
        widget=forms.RadioSelect,
        help_text=gettext_lazy("Readers see the old version until the new one is complete."),
    )
    sheet = forms.CharField(
        label=gettext_lazy("Sheet"),
        required=False,
        max_length=100,
        help_text=gettext_lazy("Of a workbook; empty: all sheets with the same head."),
    )

    def __init__(self, *args: Any, has_table: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not has_table:
            del self.fields["mode"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not data.get("file") and not data.get("upload") and "file" not in self.errors:
            self.add_error("file", _("Choose a file."))
        return data


class TypesForm(forms.Form):
    """The type of each column of a file, as found unless somebody knows better, and which are its key.

    ``declared`` columns are those that the record describes already; their types are changed there.
    """

    def __init__(
        self, *args: Any, columns: Sequence[Column], key: Sequence[str], declared: Mapping[str, Column], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.columns = columns
        self.declared = declared
        types = [(kind.value, kind.label) for kind in ColumnType if kind != ColumnType.GEOMETRY]
        for column in (declared.get(one.name, one) for one in columns):
            choices = [*types, (column.type.value, column.type.label)] if column.type not in dict(types) else types
            self.fields[f"type-{column.name}"] = forms.ChoiceField(
                choices=choices,
                initial=column.type.value,
                disabled=column.name in declared,
                widget=forms.Select(attrs={"aria-label": f"{column.title} {_('Data type')}"}),
            )
            self.fields[f"key-{column.name}"] = forms.BooleanField(
                required=False,
                initial=column.name in key,
                widget=forms.CheckboxInput(attrs={"aria-label": f"{column.title} {_('key')}"}),
            )

    @property
    def rows(self) -> list[tuple[Column, forms.BoundField, forms.BoundField]]:
        """Each column with its two fields."""
        return [(column, self[f"type-{column.name}"], self[f"key-{column.name}"]) for column in self.columns]

    def types(self) -> dict[str, str]:
        """The types that differ from what was found."""
        chosen = self.cleaned_data
        return {column.name: chosen[f"type-{column.name}"] for column in self.columns if self._is_other(column)}

    def key(self) -> list[str]:
        """The key columns."""
        return [column.name for column in self.columns if self.cleaned_data[f"key-{column.name}"]]

    def _is_other(self, column: Column) -> bool:
        return column.name not in self.declared and self.cleaned_data[f"type-{column.name}"] != column.type
