"""What applicants from outside fill in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.forms.boundfield import BoundField
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.models import DataItem, Dataset, OpenType, Sensitivity
from sharing.models import ApplicantKind
from sharing.outside.acts import PAPER_LIMIT, TEXT_LIMIT, Applicant, Use

YEAR = dt.timedelta(days=365)


class ManyFiles(forms.ClearableFileInput):
    """Several files in one field."""

    allow_multiple_selected = True


class PapersField(forms.FileField):
    """PDF files; ``acts.check_papers`` looks at them."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", gettext_lazy("Papers (PDF)"))
        kwargs.setdefault(
            "help_text",
            gettext_lazy(
                "Up to five, 40 MB together at most, such as a safety plan. Choose them again after a correction."
            ),
        )
        super().__init__(required=False, widget=ManyFiles(attrs={"multiple": True, "accept": ".pdf"}), **kwargs)

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        files = data if isinstance(data, list | tuple) else [data]
        return [each for each in files[: PAPER_LIMIT * 4] if each]


def _text(label: Any, help_text: Any = "", rows: int = 3, limit: int = TEXT_LIMIT, **kwargs: Any) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": rows})
    return forms.CharField(label=label, help_text=help_text, max_length=limit, widget=widget, **kwargs)


class UseForm(forms.Form):
    """For what, how and until when, and which items of each dataset.

    ``choices`` are (name of the field, dataset, items to choose from, columns chosen at first).
    """

    title = forms.CharField(
        label=gettext_lazy("Project or product"),
        max_length=200,
        help_text=gettext_lazy("In a few words what the data are for."),
    )
    purpose = _text(gettext_lazy("Purpose"), gettext_lazy("What you want to reach with the data, and for whom."))
    scenario = _text(
        gettext_lazy("Scenario of use"), gettext_lazy("How the data are processed and where the result appears.")
    )
    scope_of_use = _text(
        gettext_lazy("Who will see the data"),
        gettext_lazy("Teams inside your organisation; others may not be given the data."),
        rows=2,
        limit=1_000,
        required=False,
    )
    safeguards = _text(
        gettext_lazy("Safeguards"),
        gettext_lazy("Where the data are kept, who has access, how they are protected and deleted at the end."),
        rows=4,
    )
    valid_until = forms.DateField(
        label=gettext_lazy("Needed until"), widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    papers = PapersField()

    def __init__(
        self, *args: Any, choices: Sequence[tuple[str, Dataset, Sequence[DataItem], Sequence[str]]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("valid_until", timezone.localdate() + YEAR)
        self.by_field = {name: dataset for name, dataset, _items, _chosen in choices}
        for name, dataset, items, chosen in choices:
            self.fields[name] = forms.MultipleChoiceField(
                label=dataset.title,
                choices=[(item.column, _item_label(item)) for item in items],
                initial=list(chosen),
                widget=forms.CheckboxSelectMultiple,
                error_messages={"required": _("Choose at least one item of this dataset.")},
            )

    def use(self) -> Use:
        """The typed text for ``acts``."""
        names = ("title", "purpose", "scenario", "safeguards", "valid_until", "scope_of_use")
        return Use(**{name: self.cleaned_data[name] for name in names})

    def columns(self) -> dict[UUID, list[str]]:
        """The chosen columns by the id in the field's name."""
        return {UUID(name.partition("-")[2]): self.cleaned_data[name] for name in self.by_field}

    @property
    def data_fields(self) -> list[BoundField]:
        """The fields of the datasets."""
        return [self[name] for name in self.by_field]

    @property
    def use_fields(self) -> list[BoundField]:
        """The fields of the use, without papers and those of a subclass."""
        return [self[name] for name in UseForm.base_fields if name != "papers" and name in self.fields]


def _item_label(item: DataItem) -> str:
    """The item's name, and what is special about it."""
    marks = []
    if item.sensitivity != Sensitivity.NONE:
        marks.append(_("personal, only masked"))
    elif item.open_type == OpenType.OPEN:
        marks.append(str(OpenType.OPEN.label))
    return f"{item.name} ({', '.join(marks)})" if marks else item.name


class ApplicationForm(UseForm):
    """A whole application; ``website`` is a trap for programs: people do not see it."""

    kind = forms.ChoiceField(label=gettext_lazy("You are"), choices=ApplicantKind.outside())
    name = forms.CharField(label=gettext_lazy("Name of the organisation"), max_length=120)
    credit_code = forms.CharField(label=gettext_lazy("Unified social credit code"), max_length=40)
    contact = forms.CharField(label=gettext_lazy("Contact person"), max_length=60)
    phone = forms.CharField(label=gettext_lazy("Telephone"), max_length=30)
    email = forms.EmailField(
        label=gettext_lazy("E-mail address"),
        max_length=254,
        help_text=gettext_lazy(
            "Every answer is sent there. Telephone and address are kept encrypted, shown to the deciding offices "
            "alone, and deleted after the end."
        ),
    )
    has_commitment = forms.BooleanField(
        label=gettext_lazy(
            "We use the data for the stated purpose alone, do not pass them on, try to identify nobody, report leaks, "
            "and delete the data at the end."
        )
    )
    website = forms.CharField(
        label=gettext_lazy("Leave this empty"),
        required=False,
        widget=forms.TextInput(attrs={"tabindex": "-1", "autocomplete": "off"}),
    )

    def applicant(self) -> Applicant:
        """Who applies, as typed."""
        names = ("kind", "name", "credit_code", "contact", "phone", "email")
        return Applicant(**{name: self.cleaned_data[name] for name in names})

    @property
    def applicant_fields(self) -> list[BoundField]:
        """The fields of the applicant."""
        return [self[name] for name in ("kind", "name", "credit_code", "contact", "phone", "email")]


class ItemsForm(UseForm):
    """Returned items alone, while other offices decide on the text."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in UseForm.base_fields:
            if name != "papers":
                del self.fields[name]
