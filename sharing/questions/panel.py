"""The tab of a record's page on which its department says what it asks applicants."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from catalog.models import Dataset
from catalog.panels import Panel, register
from portal.access import Actor
from sharing.models import FormVersion, QuestionForm
from sharing.questions import kinds
from sharing.questions.rules import KEEPING_DUTIES


def _shown(actor: Actor, dataset: Dataset) -> bool:
    return actor.standing.holds(dataset.provider_id, *KEEPING_DUTIES)


def _context(actor: Actor, dataset: Dataset, request: HttpRequest) -> dict[str, Any]:
    """The forms that are attached, each with what it asks now, and the others of the department to choose from."""
    forms = list(QuestionForm.objects.filter(department=dataset.provider_id).order_by("title", "pk"))
    attached = set(dataset.question_forms.values_list("pk", flat=True))
    versions = {each.form_id: each for each in FormVersion.objects.asked_now().filter(form__in=[f.pk for f in forms])}
    rows: list[dict[str, Any]] = [
        {
            "form": form,
            "version": versions.get(form.pk),
            "questions": kinds.parse(versions[form.pk].questions) if form.pk in versions else (),
        }
        for form in forms
    ]
    return {
        "rows": [row for row in rows if row["form"].pk in attached],
        "others": [row for row in rows if row["form"].pk not in attached],
    }


def register_panel() -> None:
    """Add the tab."""
    title = gettext_lazy("Questions to applicants")
    register(Panel("questions", 28, title, "sharing/questions/_panel.html", _shown, _context))
