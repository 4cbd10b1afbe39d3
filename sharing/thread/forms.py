"""Forms below a step: questions, opinions, notes, forwarding."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from portal.departments.fields import DepartmentField
from portal.departments.models import Duty
from sharing.thread.acts import TEXT_LIMIT

OPINION_DUTIES = (Duty.PROVIDER_APPROVER, Duty.SECURITY_OFFICER, Duty.AUTHORITY_REVIEWER, Duty.OWN_APPROVER)


def _text(label: Any, rows: int = 3) -> forms.CharField:
    return forms.CharField(label=label, max_length=TEXT_LIMIT, widget=forms.Textarea(attrs={"rows": rows}))


class QuestionForm(forms.Form):
    text = _text(gettext_lazy("Question to the applicant"))
    stops_clock = forms.BooleanField(
        label=gettext_lazy("Stop the clock until the answer (once for each step)"), required=False
    )


class OpinionForm(forms.Form):
    department = DepartmentField(label=gettext_lazy("Whose opinion"))
    duty = forms.ChoiceField(
        label=gettext_lazy("Office"), choices=[(duty.value, duty.label) for duty in OPINION_DUTIES]
    )
    text = _text(gettext_lazy("What you want to know"))


class NoteForm(forms.Form):
    text = _text(gettext_lazy("Internal note"), 2)
    is_shared = forms.BooleanField(label=gettext_lazy("For the other deciding offices, too"), required=False)


class ForwardForm(forms.Form):
    department = DepartmentField(label=gettext_lazy("To which department"))
    reason = _text(gettext_lazy("Why it belongs there"))


FORMS: dict[str, type[forms.Form]] = {
    "question": QuestionForm,
    "opinion": OpinionForm,
    "note": NoteForm,
    "forward": ForwardForm,
}


def talk_forms(act: str = "", typed: forms.Form | None = None) -> dict[str, forms.Form]:
    """The forms below a step, empty, or one with what was typed and why it could not be done."""
    return {name: typed if name == act and typed else form(prefix=name) for name, form in FORMS.items()}
