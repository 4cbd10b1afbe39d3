"""Forms of requests, decisions and grants."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from catalog.models import Channel
from catalog.tables.filters import OPERATORS
from catalog.tables.masks import Method, suits
from catalog.tables.schema import Column
from portal.departments.models import Department
from sharing import marks
from sharing.deciding import Decision
from sharing.drafts import RequestDetails
from sharing.models import RefusalReason, SharingRequest, Verdict
from sharing.terms import NO_TERMS, Terms

YEAR = dt.timedelta(days=365)


class RequestForm(forms.ModelForm[SharingRequest]):
    """What an application states beside its items."""

    channels = forms.MultipleChoiceField(
        label=_("Sharing modes"), choices=Channel.choices, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = SharingRequest
        fields = (
            "title",
            "purpose",
            "legal_basis",
            "scenario",
            "scope_of_use",
            "channels",
            "frequency",
            "expected_calls",
            "valid_until",
            "is_cross_border",
            "has_commitment",
        )
        widgets = {
            "legal_basis": forms.Textarea(attrs={"rows": 3}),
            "scenario": forms.Textarea(attrs={"rows": 3}),
            "scope_of_use": forms.Textarea(attrs={"rows": 2}),
            "valid_until": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        }
        help_texts = {
            "legal_basis": _("The law, regulation or duty for which the data are needed, with its article."),
            "scenario": _("Which business uses the data, and how."),
            "scope_of_use": _("Who will see the data inside the department."),
            "expected_calls": _("For interfaces: about how many calls a day; the provider plans with it."),
            "has_commitment": _("Use for the stated purpose only, no passing on, deletion at the end, leaks reported."),
        }

    def __init__(self, *args: Any, departments: QuerySet[Department] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if departments is not None:
            self.fields["department"] = forms.ModelChoiceField(departments, label=_("Applicant"), empty_label=None)
            self.order_fields(["department"])
            self.initial.setdefault("channels", [Channel.API, Channel.FILE])
            self.initial.setdefault("valid_until", timezone.localdate() + YEAR)

    def _post_clean(self) -> None:
        """Leave the instance as it is: the domain function changes it."""

    def details(self) -> RequestDetails:
        """The typed values for ``drafts``."""
        return RequestDetails(**{n: v for n, v in self.cleaned_data.items() if n != "department"})


class DecisionForm(forms.Form):
    """A verdict with reason, note and conditions; ``deciding.Decision`` checks what each verdict needs.

    ``columns`` are those asked for: with them, an approval can leave fewer, add a condition on the rows, end earlier,
    and mask. Without them (in bulk) there are no conditions.
    """

    verdict = forms.ChoiceField(label=_("Decision"), choices=Verdict.choices, widget=forms.RadioSelect, required=False)
    reason = forms.ChoiceField(
        label=_("Reason of the refusal"), choices=[("", "—"), *RefusalReason.choices], required=False
    )
    note = forms.CharField(
        label=_("Note to the applicant"), widget=forms.Textarea(attrs={"rows": 2}), required=False, max_length=2_000
    )

    def __init__(self, *args: Any, columns: Sequence[Column] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asked = columns
        self.fields["marks"] = forms.MultipleChoiceField(
            label=_("To be changed"), choices=marks.choices(), widget=forms.CheckboxSelectMultiple, required=False
        )
        if not columns:
            return
        names = [(column.name, column.title) for column in columns]
        self.fields["has_terms"] = forms.BooleanField(required=False)
        self.fields["keep"] = forms.MultipleChoiceField(
            label=_("Data items"), choices=names, required=False, initial=[name for name, _title in names]
        )
        for column in columns:
            self.fields[f"mask-{column.name}"] = forms.ChoiceField(choices=_masks_for(column), required=False)
        self.fields["row_column"] = forms.ChoiceField(
            label=_("Only rows where"), choices=[("", "—"), *names], required=False
        )
        self.fields["row_op"] = forms.ChoiceField(label=_("Condition"), choices=OPERATORS.items(), required=False)
        self.fields["row_value"] = forms.CharField(label=_("Value"), max_length=200, required=False)
        day = forms.DateInput(attrs={"type": "date"})
        self.fields["until"] = forms.DateField(label=_("Only until"), widget=day, required=False)

    def shown_columns(self) -> list[dict[str, Any]]:
        """A line for each column asked for: whether it stays, and its mask."""
        kept = self["keep"].value() or []
        return [
            {"column": column, "is_kept": column.name in kept, "mask": self[f"mask-{column.name}"]}
            for column in self.asked
        ]

    def decision(self) -> Decision:
        """What was typed, with conditions when an approval has some."""
        data = self.cleaned_data
        terms = NO_TERMS
        if data.get("has_terms") and data["verdict"] == Verdict.APPROVE:
            kept, names = data["keep"], [column.name for column in self.asked]
            masks = {name: data[f"mask-{name}"] for name in names if data[f"mask-{name}"] and name in kept}
            row = {"column": data["row_column"], "op": data["row_op"], "value": data["row_value"]}
            terms = Terms(
                columns=None if set(kept) == set(names) else tuple(kept),
                rows=(row,) if data["row_column"] else (),
                valid_until=data["until"],
                masks=masks,
            )
        marked = tuple(data["marks"]) if data["verdict"] == Verdict.RETURN else ()
        return Decision(data["verdict"], data["reason"], data["note"], terms, marked)


def _masks_for(column: Column) -> list[tuple[str, Any]]:
    """The masks that an approver can choose for a column at once; the grant's own page has all of them."""
    offered = {Method.HIDE: "hide", Method.PARTIAL: "partial:1,1", Method.HASH: "hash", Method.YEAR: "year"}
    found = [(text, method.label) for method, text in offered.items() if suits(method, column)]
    return [("", _("not masked")), *found]


class ReasonForm(forms.Form):
    """A reason that the other department will read."""

    reason = forms.CharField(label=_("Reason"), widget=forms.Textarea(attrs={"rows": 3}), max_length=2_000)
