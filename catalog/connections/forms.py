"""What is asked about a database, an interface, and a pull."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from catalog.connections.databases import SourceColumn
from catalog.connections.pulling import Order
from catalog.models import Cadence, DatabaseSource, DataService, Dataset, DatasetState, LoadMode, TablePull
from portal.access import Actor
from portal.departments.models import Department, Duty

HOST = RegexValidator(r"^[A-Za-z0-9][A-Za-z0-9.:_-]*$", _("A host name or an IP address."))
NAME = RegexValidator(r"^[\w.$@-]+$", _("Letters, digits, and the signs . _ - $ @ only."))
HEADER = RegexValidator(r"^[A-Za-z0-9-]+$", _("A header has letters, digits and hyphens."))
MODES = {
    LoadMode.REPLACE: _("All rows are read each time"),
    LoadMode.APPEND: _("New rows are added (they are never changed there)"),
    LoadMode.MERGE: _("New and changed rows are renewed by their key"),
}
SERVED_LIMIT = 500


def departments_of(actor: Actor) -> Any:
    """The departments in which somebody catalogues."""
    return Department.objects.filter(pk__in=actor.standing.departments_with(Duty.CATALOGUER), is_active=True)


class SourceForm(forms.ModelForm[DatabaseSource]):
    """A database; the password is only ever typed in."""

    new_password = forms.CharField(
        label=_("Password"),
        required=False,
        max_length=500,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = DatabaseSource
        fields = ("department", "title", "kind", "host", "port", "database", "account", "encryption")
        help_texts = {
            "title": _("As colleagues know it, for example “civil affairs business system, copy for sharing”."),
            "port": _("Empty: 5432 for PostgreSQL, 3306 for MySQL."),
            "account": _("Best one that may only read, and only what is shared."),
        }

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["department"] = forms.ModelChoiceField(
            departments_of(actor), label=_("Department"), empty_label=None, initial=self.initial.get("department")
        )
        for name, validator in (("host", HOST), ("database", NAME), ("account", NAME)):
            self.fields[name].validators.append(validator)
        if self.instance.password:
            self.fields["new_password"].help_text = _("Empty: the password that is kept stays. It is never shown.")


class ServiceForm(forms.ModelForm[DataService]):
    """An interface; what is left empty is taken from its document."""

    file = forms.FileField(
        label=_("OpenAPI document"),
        required=False,
        help_text=_("JSON or YAML, version 3, up to 2 MB, everything in one file."),
        widget=forms.ClearableFileInput(attrs={"accept": ".json,.yaml,.yml"}),
    )
    new_secret = forms.CharField(
        label=_("Access key"),
        required=False,
        max_length=2_000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("By which the portal calls it. It is kept encrypted and never shown."),
    )
    datasets = forms.ModelMultipleChoiceField(
        Dataset.objects.none(), label=_("Records that it serves"), required=False, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = DataService
        fields = ("department", "title", "endpoint_url", "version", "description", "header")
        help_texts = {"header": _("Empty: Authorization.")}

    field_order = ("department", "file", "title", "endpoint_url", "version", "description", "header", "new_secret")

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        departments = departments_of(actor)
        self.fields["department"] = forms.ModelChoiceField(departments, label=_("Department"), empty_label=None)
        self.fields["endpoint_url"] = forms.URLField(
            label=_("Address"), max_length=500, required=False, assume_scheme="https"
        )
        self.fields["title"].required = False
        self.fields["header"].validators.append(HEADER)
        records = Dataset.objects.filter(provider__in=departments).exclude(state=DatasetState.WITHDRAWN)
        chosen = self.fields["datasets"]
        assert isinstance(chosen, forms.ModelMultipleChoiceField)
        chosen.queryset = records.order_by("title")
        chosen.choices = [(d.pk, d.title) for d in records.order_by("title")[:SERVED_LIMIT]]
        if not self.instance._state.adding:
            self.initial["datasets"] = list(self.instance.datasets.values_list("pk", flat=True))


class PullForm(forms.Form):
    """How one table is pulled; ``known`` are its columns."""

    columns = forms.MultipleChoiceField(label=_("Columns"))
    mode = forms.ChoiceField(
        label=_("Which rows"), choices=list(MODES.items()), initial=LoadMode.REPLACE, widget=forms.RadioSelect
    )
    key = forms.MultipleChoiceField(label=_("Primary key"), required=False)
    watermark = forms.ChoiceField(
        label=_("Growing column"),
        required=False,
        help_text=_("Where only new rows are read: a column that only grows, as a serial number or the last change."),
    )
    cadence = forms.ChoiceField(label=_("How often"), choices=Cadence.choices, initial=Cadence.DAILY)

    def __init__(self, *args: Any, known: list[SourceColumn], before: TablePull | None = None, **kwargs: Any) -> None:
        names = [(column.name, column.name) for column in known]
        kwargs["initial"] = {
            "columns": before.columns if before else [name for name, _label in names],
            "key": before.key if before else [column.name for column in known if column.is_key],
            "mode": before.mode if before else LoadMode.REPLACE,
            "watermark": before.watermark if before else "",
            "cadence": before.cadence if before else Cadence.DAILY,
        }
        super().__init__(*args, **kwargs)
        for field, choices in (
            ("columns", names),
            ("key", names),
            ("watermark", [("", "—"), *((column.name, column.name) for column in known if column.grows)]),
        ):
            found = self.fields[field]
            assert isinstance(found, forms.ChoiceField)
            found.choices = choices

    def order(self, source: DatabaseSource, schema: str, table: str) -> Order:
        """What was said, as an order."""
        said = self.cleaned_data
        mode = LoadMode(said["mode"])
        watermark = "" if mode == LoadMode.REPLACE else said["watermark"]
        cadence = Cadence(said["cadence"])
        return Order(source, schema, table, said["columns"], said["key"], mode, watermark, cadence)
