"""What a department's merger, split or end means for its questions to applicants."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from portal.access import Actor
from portal.audit import record
from portal.departments.models import Department
from portal.departments.moving import Line, Move
from sharing.models import QuestionForm


def _forms(move: Move) -> QuerySet[QuestionForm]:
    """All forms of a department that ends; of one that is split, those whose datasets all go to the new part."""
    rows = QuestionForm.objects.filter(department=move.source)
    if move.datasets is None:
        return rows
    stays = QuestionForm.objects.filter(~Q(attachments__dataset__in=move.datasets), attachments__isnull=False)
    return rows.filter(attachments__dataset__in=move.datasets).exclude(pk__in=stays.values("pk")).distinct()


class FormsMover:
    """Forms of questions, with their versions and what is attached; a title that is taken gets the old name with it."""

    def preview(self, move: Move) -> list[Line]:
        return [Line("question_forms", _("Questions to applicants"), _forms(move).count())]

    def choices(self, department: Department) -> dict[str, list[tuple[str, str]]]:
        return {}

    def blockers(self, moves: list[Move]) -> list[str]:
        return []

    def apply(self, move: Move, actor: Actor) -> dict[str, int]:
        assert move.target is not None
        forms = list(QuestionForm.objects.filter(pk__in=_forms(move).values("pk")).order_by("pk").select_for_update())
        taken = set(QuestionForm.objects.filter(department=move.target).values_list("title", flat=True))
        for form in forms:
            form.department = move.target
            if form.title in taken:
                form.title = f"{form.title[:60]} ({move.source.name[:30]} {str(form.pk)[-4:]})"
            form.save()
            data = {"from": move.source.name, "to": move.target.name}
            record.append(stream=record.stream_of(form), verb="form.moved", actor=actor, data=data)
        return {"question_forms": len(forms)}
