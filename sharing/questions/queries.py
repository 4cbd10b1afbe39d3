"""Forms as their list asks for them, and the answers that one reader may read."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from portal.access import Actor, Permission, can
from portal.views import clean_text
from sharing.models import FormVersion, QuestionForm, RequestAnswers, RequestState, SharingRequest
from sharing.questions.asked import Asked, asked_of, read
from sharing.questions.rules import KEEPING_DUTIES

SORTS = {
    "title": ("title", "id"),
    "-title": ("-title", "-id"),
    "modified": ("modified", "id"),
    "-modified": ("-modified", "-id"),
}


def kept_by(actor: Actor) -> QuerySet[QuestionForm]:
    """Forms that ``actor`` may change."""
    return QuestionForm.objects.filter(department__in=actor.standing.departments_with(*KEEPING_DUTIES))


def matching(rows: QuerySet[QuestionForm], params: Any) -> QuerySet[QuestionForm]:
    """Forms under the filters of the address, in its order: the last changed first when nothing else is asked."""
    if text := clean_text(params.get("q", ""))[:100]:
        rows = rows.filter(title__icontains=text) | rows.filter(title_en__icontains=text)
    return rows.order_by(*SORTS.get(params.get("sort", ""), SORTS["-modified"]))


def with_figures(rows: QuerySet[QuestionForm]) -> QuerySet[QuestionForm]:
    """Annotates ``version_number`` (None before the first), ``dataset_count`` and ``answer_count``."""
    number = FormVersion.objects.published().filter(form=OuterRef("pk")).order_by("-number").values("number")[:1]

    def count(of: Any) -> Any:
        counted = of.objects.filter(form=OuterRef("pk")).order_by().values("form").annotate(n=Count("pk")).values("n")
        return Coalesce(Subquery(counted), 0, output_field=IntegerField())

    return rows.select_related("department").annotate(
        version_number=Subquery(number),
        dataset_count=count(QuestionForm.datasets.through),
        answer_count=count(RequestAnswers),
    )


def answers_for(request: SharingRequest, actor: Actor) -> list[Asked]:
    """The answers of ``request`` that ``actor`` may read; of a draft also the forms that are not answered yet."""
    if request.state == RequestState.DRAFT:
        return asked_of(request) if can(actor, Permission.REQUEST_VIEW, request) else []
    rows = request.answers.readable_by(actor.standing)
    return read(rows.select_related("form__department", "version"))
