"""What is filled in about demands."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.models import Dataset
from portal.departments.fields import DepartmentField
from portal.departments.models import Department, Level
from sharing.citizens import CitizenForm
from sharing.demands.acts import TEXT_LIMIT, TITLE_LIMIT, Wanted
from sharing.models import DeclineReason, Demand, RejectReason


def _text(rows: int = 3, **kwargs: Any) -> forms.CharField:
    kwargs.setdefault("max_length", TEXT_LIMIT)
    return forms.CharField(widget=forms.Textarea(attrs={"rows": rows}), **kwargs)


def _day(**kwargs: Any) -> forms.DateField:
    return forms.DateField(widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}), **kwargs)


class RecordField(forms.CharField):
    """A published record, named by its resource code or its whole title."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", gettext_lazy("Dataset"))
        kwargs.setdefault("help_text", gettext_lazy("Resource code or whole title"))
        super().__init__(max_length=200, **kwargs)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        published = Dataset.objects.published()
        found = published.filter(code=text)[:2] or published.filter(title=text)[:2]
        if len(found) != 1:
            raise forms.ValidationError(
                _("No published record, or more than one, is called so. Give its resource code.")
            )
        return found[0]


class DemandField(forms.CharField):
    """A demand, named by its number."""

    def clean(self, value: Any) -> Any:
        found = Demand.objects.filter(number=super().clean(value)).first()
        if found is None:
            raise forms.ValidationError(_("No demand has this number."))
        return found


class WantedForm(forms.Form):
    """What is asked for."""

    title = forms.CharField(
        label=gettext_lazy("Which data do you need?"),
        max_length=TITLE_LIMIT,
        help_text=gettext_lazy("In a few words, as the catalogue would call them."),
    )
    purpose = _text(label=gettext_lazy("What for?"), help_text=gettext_lazy("Which task or service needs the data."))
    content = _text(
        label=gettext_lazy("Which entries, of whom, from when?"),
        required=False,
        help_text=gettext_lazy("The more precisely you say it, the quicker the holder is found."),
    )

    def wanted(self) -> Wanted:
        """The typed values for ``acts``."""
        names = ("title", "purpose", "content", "legal_basis")
        return Wanted(**{name: self.cleaned_data[name] for name in names if name in self.cleaned_data})


class DemandForm(WantedForm):
    """A department's demand."""

    legal_basis = forms.CharField(
        label=gettext_lazy("Legal basis"),
        max_length=500,
        required=False,
        help_text=gettext_lazy("The law, regulation or duty for which the data are needed, with its article."),
    )

    def __init__(self, *args: Any, departments: QuerySet[Department], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["department"] = forms.ModelChoiceField(
            departments, label=gettext_lazy("Department"), empty_label=None
        )
        self.order_fields(["department"])


class PublicDemandForm(CitizenForm, WantedForm):
    """A citizen's demand."""

    authority = forms.ModelChoiceField(
        Department.objects.none(), label=gettext_lazy("Whom do you ask?"), empty_label=None
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        authorities = Department.objects.authorities().filter(region__level__lte=Level.CITY)
        self.fields["authority"].queryset = authorities.order_by("region__path")  # type: ignore[attr-defined]


class SeenForm(forms.Form):
    """An act that needs no words; ``seen_version`` is the version of the page on which it was chosen."""

    seen_version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def words(self) -> dict[str, Any]:
        """What was typed, without the version."""
        return {name: value for name, value in self.cleaned_data.items() if name != "seen_version"}


class AssignForm(SeenForm):
    holder = DepartmentField(label=gettext_lazy("Holder"))
    comment = _text(2, label=gettext_lazy("Note to the holder"), required=False)


class RejectForm(SeenForm):
    reason = forms.ChoiceField(label=gettext_lazy("Reason"), choices=RejectReason.choices)
    answer = _text(label=gettext_lazy("Answer to the asker"))
    dataset = RecordField(label=gettext_lazy("Dataset that has the data"), required=False)


class MergeForm(SeenForm):
    into = DemandField(label=gettext_lazy("Number of the other demand"), max_length=20)


class ReleaseForm(SeenForm):
    title = forms.CharField(label=gettext_lazy("Title for the public"), max_length=TITLE_LIMIT)
    summary = _text(label=gettext_lazy("Summary for the public"), required=False, max_length=1_000)


class AcceptForm(SeenForm):
    promised_on = _day(label=gettext_lazy("In the catalogue by"))
    answer = _text(2, label=gettext_lazy("Note to the asker"), required=False)


class DeclineForm(SeenForm):
    reason = forms.ChoiceField(label=gettext_lazy("Reason"), choices=DeclineReason.choices)
    answer = _text(
        label=gettext_lazy("Provision and explanation"),
        help_text=gettext_lazy("The asker reads this. Where the law forbids, name the article."),
    )
    suggested_holder = DepartmentField(
        label=gettext_lazy("Who holds the data"),
        required=False,
        help_text=gettext_lazy("Where your department does not hold them: name or credit code"),
    )


class LinkForm(SeenForm):
    dataset = RecordField(label=gettext_lazy("Published dataset"))


class ObjectForm(SeenForm):
    reason = _text(label=gettext_lazy("What is missing or wrong?"))


class JoinForm(SeenForm):
    need = _text(2, label=gettext_lazy("What does your department need the data for?"), max_length=500)

    def __init__(self, *args: Any, departments: QuerySet[Department], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["department"] = forms.ModelChoiceField(
            departments, label=gettext_lazy("Department"), empty_label=None
        )
