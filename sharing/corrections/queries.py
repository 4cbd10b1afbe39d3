"""The list of reports as pages, exports and the API ask for it, and what was corrected in a dataset."""

from __future__ import annotations

from typing import Any

from django.db.models import F, Q, QuerySet

from catalog.models import Dataset
from portal.access import Standing
from portal.departments.models import AUTHORITY_DUTIES, Duty
from portal.views import clean_text
from sharing.models import CorrectionReport, CorrectionState, ErrorKind, Grant
from sharing.models.correction import CorrectionQuerySet

SORTS: dict[str, tuple[Any, ...]] = {
    "created": ("created_at", "id"),
    "-created": ("-created_at", "-id"),
    "due": (F("due_at").asc(nulls_last=True), "id"),
    "-due": (F("due_at").desc(nulls_last=True), "-id"),
}
LINE = ("dataset__provider", "department", "holder")
ERRATA_SHOWN = 50


def to_answer(standing: Standing) -> Q:
    """Reports on which an office of this person has the turn."""
    held = Q(state=CorrectionState.FILED, holder__in=standing.departments_with(Duty.PROVIDER_APPROVER))
    charged = Q(state=CorrectionState.OBJECTED, authority__in=standing.departments_with(*AUTHORITY_DUTIES))
    return held | charged


def side_of(standing: Standing, side: str) -> CorrectionQuerySet:
    """Those one's departments reported, those on which one's office has the turn, or all that one may read."""
    rows = CorrectionReport.objects.readable_by(standing)
    if side == "mine":
        return rows.filter(department__in=standing.departments_with())
    if side == "answer":
        return rows.filter(to_answer(standing))
    return rows


def matching(rows: CorrectionQuerySet, params: Any) -> CorrectionQuerySet:
    """``rows`` under the filters of the address: words, state, kind, lateness, and in its order."""
    if text := clean_text(params.get("q", ""))[:100]:
        found = Q(number__istartswith=text) | Q(dataset__title__icontains=text) | Q(description__icontains=text)
        rows = rows.filter(found | Q(department__name__icontains=text) | Q(holder__name__icontains=text))
    if (state := params.get("state", "")) in CorrectionState.values:
        rows = rows.filter(state=state)
    if (kind := params.get("kind", "")) in ErrorKind.values:
        rows = rows.filter(kind=kind)
    if params.get("late") == "1":
        rows = rows.late()
    return rows.order_by(*SORTS.get(params.get("sort", ""), SORTS["-created"]))


def waiting_for(standing: Standing) -> QuerySet[CorrectionReport]:
    """The reports that wait for an office of this person; no query for those who answer none."""
    if not standing.departments_with(Duty.PROVIDER_APPROVER, *AUTHORITY_DUTIES):
        return CorrectionReport.objects.none()
    return CorrectionReport.objects.filter(to_answer(standing))


def errata_of(dataset: Dataset, *, is_public: bool = False) -> list[CorrectionReport]:
    """What was corrected in a dataset, newest first; for the public what it can read."""
    rows = CorrectionReport.objects.of_dataset(dataset)
    if is_public:
        rows = CorrectionReport.objects.public().filter(dataset=dataset)
    return list(rows.errata().select_related("table_version")[:ERRATA_SHOWN])


def reportable(standing: Standing) -> QuerySet[Dataset]:
    """Records that one may see, and those on which one of one's departments holds a grant that one may use."""
    held = Grant.objects.in_force().of_departments().filter(department__in=standing.departments_with(Duty.APPLICANT))
    seen = Dataset.objects.readable_by(standing.reader_groups)
    rows = Dataset.objects.filter(Q(pk__in=seen.values("pk")) | Q(pk__in=held.values("dataset")))
    return rows.select_related("provider__region")
