"""The form of a quality rule, with the fields of its kind."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from catalog.models import CodeList, Dataset, Dimension, RuleKind, Severity
from catalog.quality.conditions import COMPARISONS
from catalog.quality.keeping import USUAL_DIMENSION
from catalog.tables.filters import OPERATORS
from catalog.tables.schema import Column
from portal.access import Actor

PARTS = 3


class RuleForm(forms.Form):
    """What a rule asks, by kind; ``params`` is what the domain function takes."""

    severity = forms.ChoiceField(label=_("When it is not met"), choices=Severity.choices)
    threshold = forms.FloatField(
        label=_("Percent of the rows that must pass"),
        min_value=0.01,
        max_value=100,
        initial=100,
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    dimension = forms.ChoiceField(label=_("Dimension (GB/T 36344)"), choices=Dimension.choices)

    def __init__(
        self, *args: Any, kind: RuleKind, columns: list[Column], dataset: Dataset, actor: Actor, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        choices = [(column.name, f"{column.title} · {column.type.label}") for column in columns]
        own = _FIELDS[kind](choices, dataset, actor)
        self.fields = {**own, **self.fields}
        self.fields["dimension"].initial = USUAL_DIMENSION[kind]
        if kind == RuleKind.FRESHNESS:
            del self.fields["threshold"]

    @property
    def passing_share(self) -> float:
        return float(self.cleaned_data.get("threshold") or 100) / 100

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of the rule."""
        data = self.cleaned_data
        if self.kind == RuleKind.ROW:
            return {"joined": data["joined"], "parts": self._parts()}
        if self.kind == RuleKind.CODE_LIST:
            return {"column": data["column"], "code_list": str(data["code_list"].pk)}
        if self.kind == RuleKind.FOREIGN_KEY:
            other = str(data["dataset"].pk)
            return {"column": data["column"], "dataset": other, "other_column": data["other_column"].strip()}
        return {name: data[name] for name in _NAMES[self.kind]}

    def _parts(self) -> list[dict[str, str]]:
        data, found = self.cleaned_data, []
        for n in range(1, PARTS + 1):
            if data[f"column_{n}"]:
                part = {"column": data[f"column_{n}"], "op": data[f"op_{n}"]}
                target = {"other": data[f"other_{n}"]} if data[f"other_{n}"] else {"value": data[f"value_{n}"]}
                found.append(part | target)
        return found


Choices = list[tuple[str, str]]
_NAMES: dict[str, tuple[str, ...]] = {
    RuleKind.NOT_NULL: ("columns",),
    RuleKind.UNIQUE: ("columns",),
    RuleKind.RANGE: ("column", "low", "high"),
    RuleKind.PATTERN: ("column", "pattern"),
    RuleKind.FRESHNESS: ("days",),
}


def _column(choices: Choices) -> dict[str, forms.Field]:
    return {"column": forms.ChoiceField(label=_("Column"), choices=choices)}


def _columns(choices: Choices, dataset: Dataset, actor: Actor) -> dict[str, forms.Field]:
    widget = forms.CheckboxSelectMultiple
    return {"columns": forms.MultipleChoiceField(label=_("Columns"), choices=choices, widget=widget)}


def _range(choices: Choices, dataset: Dataset, actor: Actor) -> dict[str, forms.Field]:
    low = forms.CharField(label=_("At least"), required=False, max_length=60)
    return {**_column(choices), "low": low, "high": forms.CharField(label=_("At most"), required=False, max_length=60)}


def _pattern(choices: Choices, dataset: Dataset, actor: Actor) -> dict[str, forms.Field]:
    help_text = _("A regular expression for the whole value, for example [0-9]{6}.")
    return {**_column(choices), "pattern": forms.CharField(label=_("Pattern"), max_length=300, help_text=help_text)}


def _code_list(choices: Choices, dataset: Dataset, actor: Actor) -> dict[str, forms.Field]:
    lists = CodeList.objects.filter(retired_at__isnull=True)
    return {**_column(choices), "code_list": forms.ModelChoiceField(label=_("Code list"), queryset=lists)}


def _foreign_key(choices: Choices, dataset: Dataset, actor: Actor) -> dict[str, forms.Field]:
    """The other dataset by its code, which its page shows: there may be a million of them."""
    readable = Dataset.objects.readable_by(actor.standing.reader_groups).select_related("provider")
    return {
        **_column(choices),
        "dataset": forms.ModelChoiceField(
            label=_("Code of the other dataset"),
            queryset=readable,
            to_field_name="code",
            widget=forms.TextInput,
            help_text=_("As its page shows it. You can choose datasets that you may read."),
        ),
        "other_column": forms.CharField(label=_("Its column"), max_length=60, help_text=_("The name of the column.")),
    }


def _row(choices: Choices, dataset: Dataset, actor: Actor) -> dict[str, forms.Field]:
    empty = [("", "—")]
    found: dict[str, forms.Field] = {
        "joined": forms.ChoiceField(
            label=_("How the comparisons are joined"), choices=[("and", _("all hold")), ("or", _("one holds"))]
        )
    }
    operators = [(op, OPERATORS[op]) for op in COMPARISONS]
    for n in range(1, PARTS + 1):
        is_first = n == 1
        columns = choices if is_first else empty + choices
        found[f"column_{n}"] = forms.ChoiceField(label=_("Column"), choices=columns, required=is_first)
        found[f"op_{n}"] = forms.ChoiceField(label=_("Comparison"), choices=operators)
        found[f"other_{n}"] = forms.ChoiceField(label=_("with the column"), choices=empty + choices, required=False)
        found[f"value_{n}"] = forms.CharField(label=_("or with the value"), required=False, max_length=200)
    return found


def _freshness(choices: Choices, dataset: Dataset, actor: Actor) -> dict[str, forms.Field]:
    label = _("Days that a version may be old")
    usual = {"daily": 1, "weekly": 7, "monthly": 31, "quarterly": 92, "half_yearly": 183, "yearly": 366}
    initial = usual.get(dataset.update_cycle)
    return {"days": forms.IntegerField(label=label, min_value=1, max_value=36_500, initial=initial)}


_FIELDS = {
    RuleKind.NOT_NULL: _columns,
    RuleKind.UNIQUE: _columns,
    RuleKind.RANGE: _range,
    RuleKind.PATTERN: _pattern,
    RuleKind.CODE_LIST: _code_list,
    RuleKind.FOREIGN_KEY: _foreign_key,
    RuleKind.ROW: _row,
    RuleKind.FRESHNESS: _freshness,
}
