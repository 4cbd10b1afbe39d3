"""What is filled in about errors in data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.models import DataItem, TableVersion
from portal.departments.fields import DepartmentField
from portal.departments.models import Department
from portal.errors import InvalidInput
from sharing.citizens import CitizenForm
from sharing.corrections.reports import SHORT_LIMIT, TEXT_LIMIT, Reported
from sharing.corrections.rows import ROW_LIMIT, Row, parse_rows, picked_rows
from sharing.demands.forms import RecordField, SeenForm
from sharing.models import CorrectionOutcome, ErrorKind


def _text(rows: int = 3, **kwargs: Any) -> forms.CharField:
    kwargs.setdefault("max_length", TEXT_LIMIT)
    return forms.CharField(widget=forms.Textarea(attrs={"rows": rows}), **kwargs)


class ReportForm(forms.Form):
    """What is wrong; ``picked`` are rows ticked on the page."""

    kind = forms.ChoiceField(label=gettext_lazy("What is wrong?"), choices=ErrorKind.choices)
    columns = forms.MultipleChoiceField(
        label=gettext_lazy("Data items concerned"), required=False, widget=forms.CheckboxSelectMultiple
    )
    description = _text(
        4,
        label=gettext_lazy("Description"),
        help_text=gettext_lazy("What stands there, and why it cannot be right. Values of single rows go below."),
    )
    rows = forms.CharField(
        label=gettext_lazy("Rows in question"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false"}),
    )
    expected = forms.CharField(label=gettext_lazy("What would be right?"), required=False, max_length=SHORT_LIMIT)
    evidence = _text(
        2,
        label=gettext_lazy("How do you know?"),
        required=False,
        help_text=gettext_lazy("A document, another source, what you found on the spot."),
    )

    def __init__(self, *args: Any, items: Sequence[DataItem], attachable: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.items = list(items)
        self.fields["columns"].choices = [(item.column, item.name) for item in self.items]  # type: ignore[attr-defined]
        if not self.items:
            del self.fields["columns"]
        keys = [item.name for item in self.items if item.column in attachable and item.is_key]
        names = keys or [item.name for item in self.items if item.column in attachable][:2]
        if not names:
            del self.fields["rows"]
            return
        text = _(
            "At most %(limit)s: the column names in the first line, then one row a line, with commas or pasted from a "
            "table. For example the key: %(names)s"
        )
        self.fields["rows"].help_text = text % {"limit": ROW_LIMIT, "names": ",".join(names)}

    def picked(self) -> list[Row]:
        """The rows ticked on the page."""
        return picked_rows(self.data.getlist("pick")) if hasattr(self.data, "getlist") else []

    def clean_rows(self) -> list[Row]:
        try:
            return parse_rows(self.cleaned_data["rows"], self.items)
        except InvalidInput as error:
            raise forms.ValidationError([str(found) for found in error.fields["rows"]]) from error

    def reported(self) -> Reported:
        """The typed values for ``reports``."""
        data = self.cleaned_data
        return Reported(
            kind=data["kind"],
            description=data["description"],
            columns=data.get("columns", []),
            rows=[*self.picked(), *data.get("rows", [])],
            expected=data["expected"],
            evidence=data["evidence"],
        )


class DepartmentReportForm(ReportForm):
    """A report in the name of a department."""

    def __init__(self, *args: Any, departments: QuerySet[Department], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["department"] = forms.ModelChoiceField(
            departments, label=gettext_lazy("Department"), empty_label=None
        )
        self.order_fields(["department"])


class PublicReportForm(CitizenForm, ReportForm):
    """A citizen's report on open data."""


def _version_words(version: TableVersion) -> str:
    words = {"n": version.number, "day": f"{timezone.localtime(version.created_at):%Y-%m-%d %H:%M}"}
    return _("Version %(n)s of %(day)s") % words


class AnswerForm(SeenForm):
    outcome = forms.ChoiceField(
        label=gettext_lazy("Answer"), choices=CorrectionOutcome.choices, widget=forms.RadioSelect
    )
    text = _text(4, label=gettext_lazy("To the reporter"))
    erratum = _text(
        2,
        label=gettext_lazy("What was corrected"),
        required=False,
        max_length=SHORT_LIMIT,
        help_text=gettext_lazy(
            "Needed when something was corrected. Everybody who holds the data is told; it stands on the dataset's "
            "page. Name no persons."
        ),
    )
    table_version = forms.ModelChoiceField(
        TableVersion.objects.none(),
        label=gettext_lazy("Table version with the correction"),
        required=False,
        empty_label=gettext_lazy("none, or not yet loaded"),
    )

    def offer(self, versions: Sequence[TableVersion]) -> None:
        """The versions that can be chosen."""
        field: Any = self.fields["table_version"]
        field.queryset = TableVersion.objects.filter(pk__in=[one.pk for one in versions])
        field.label_from_instance = _version_words


class ExtendForm(SeenForm):
    reason = _text(2, label=gettext_lazy("Why more time is needed"), max_length=SHORT_LIMIT)


class HandOnForm(SeenForm):
    holder = DepartmentField(label=gettext_lazy("Department that holds the data"), required=False)
    source = RecordField(label=gettext_lazy("or the dataset that they come from"), required=False)
    reason = _text(2, label=gettext_lazy("Reason"), max_length=SHORT_LIMIT)
    passes_rows = forms.BooleanField(
        label=gettext_lazy("Pass the rows in question on, too"),
        required=False,
        help_text=gettext_lazy("Only when that department may read these values."),
    )


class RulingForm(SeenForm):
    text = _text(4, label=gettext_lazy("Reasons of the ruling"))
