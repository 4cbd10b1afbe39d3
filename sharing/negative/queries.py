"""The negative list: records and single items that are not shared, refused demands, and the figures."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from catalog.models import DataItem, Dataset, DatasetState, SharingType
from portal.access import Standing
from portal.departments.scope import department_filter
from portal.views import clean_text
from sharing.models import DeclineReason, Demand, DemandState, SharingQuestion

SORTS: dict[str, tuple[Any, ...]] = {
    "review": (F("sharing_review_on").asc(nulls_last=True), "id"),
    "-review": (F("sharing_review_on").desc(nulls_last=True), "-id"),
    "title": ("title", "id"),
    "-title": ("-title", "-id"),
}
DEFECT = Q(sharing_basis="") | Q(sharing_review_on__isnull=True)
"""A record that says no basis, or no day of review."""
TOP = 8


def records() -> QuerySet[Dataset]:
    """Published records that are not shared; every civil servant may see that they exist."""
    return Dataset.objects.filter(state=DatasetState.PUBLISHED, sharing_type=SharingType.NOT_SHARED)


def items() -> QuerySet[DataItem]:
    """Items that are not shared, of published records that are."""
    rows = DataItem.objects.filter(sharing_type=SharingType.NOT_SHARED, dataset__state=DatasetState.PUBLISHED)
    return rows.exclude(dataset__sharing_type=SharingType.NOT_SHARED)


def suggestions(standing: Standing) -> QuerySet[Demand]:
    """Demands that were declined because the law forbids: what they ask for belongs in the list."""
    rows = Demand.objects.readable_by(standing)
    found = rows.filter(state=DemandState.DECLINED, reason=DeclineReason.LAW_FORBIDS)
    return found.select_related("holder", "department").order_by("-created_at", "-id")


def with_questions(rows: QuerySet[Dataset]) -> QuerySet[Dataset]:
    """Annotates ``is_asked``: the authority waits for an answer."""
    open_questions = SharingQuestion.objects.filter(dataset=OuterRef("pk"), answered_at__isnull=True)
    return rows.annotate(is_asked=Exists(open_questions))


def matching(rows: QuerySet[Dataset], params: Any) -> QuerySet[Dataset]:
    """Records under the filters of the address, in its order."""
    if text := clean_text(params.get("q", ""))[:100]:
        rows = rows.filter(Q(title__icontains=text) | Q(sharing_basis__icontains=text) | Q(code__istartswith=text))
    rows = rows.filter(department_filter(params, "provider"))
    flag = params.get("flag", "")
    if flag == "overdue":
        rows = rows.filter(sharing_review_on__lt=timezone.localdate())
    elif flag == "defect":
        rows = rows.filter(DEFECT)
    elif flag == "asked":
        rows = rows.filter(sharing_questions__answered_at__isnull=True, sharing_questions__isnull=False)
    return rows.order_by(*SORTS.get(params.get("sort", ""), SORTS["review"]))


def matching_items(rows: QuerySet[DataItem], params: Any) -> QuerySet[DataItem]:
    """Items under the filters of the address, by record."""
    if text := clean_text(params.get("q", ""))[:100]:
        rows = rows.filter(Q(name__icontains=text) | Q(dataset__title__icontains=text))
    rows = rows.filter(department_filter(params, "dataset__provider"))
    return rows.order_by("dataset_id", "position", "id")


def figures() -> dict[str, Any]:
    """How many, how many with a review overdue or a defect; the departments and bases with most. Four queries."""
    rows = records().order_by()
    counted = rows.aggregate(
        records=Count("pk"),
        overdue=Count("pk", filter=Q(sharing_review_on__lt=timezone.localdate())),
        defects=Count("pk", filter=DEFECT),
    )
    by_department = rows.values("provider__name", "provider__credit_code").annotate(n=Count("pk"))
    by_basis = rows.exclude(sharing_basis="").values("sharing_basis").annotate(n=Count("pk"))
    return counted | {
        "items": items().count(),
        "by_department": list(by_department.order_by("-n", "provider__name")[:TOP]),
        "by_basis": list(by_basis.order_by("-n", "sharing_basis")[:TOP]),
    }
