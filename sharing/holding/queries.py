"""Renewals and yearly reviews as their pages and exports ask for them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import F, IntegerField, Max, OuterRef, Prefetch, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from portal.access import Standing
from portal.departments.models import Duty
from portal.views import clean_text
from sharing.models import Credential, GrantRenewal, GrantReview, GrantState, RenewalState, ReviewState, UsageRecord
from sharing.models.holding import RenewalQuerySet, ReviewQuerySet

YEAR = dt.timedelta(days=365)
RELATED = ("grant__dataset__provider", "grant__department", "grant__item__request")
RENEWAL_SORTS: dict[str, tuple[Any, ...]] = {
    "due": (F("due_at").asc(nulls_last=True), "id"),
    "-due": (F("due_at").desc(nulls_last=True), "-id"),
    "created": ("created_at", "id"),
    "-created": ("-created_at", "-id"),
}
REVIEW_SORTS: dict[str, tuple[Any, ...]] = {
    "due": ("due_on", "id"),
    "-due": ("-due_on", "-id"),
    "opened": ("opened_on", "id"),
    "-opened": ("-opened_on", "-id"),
}


def _words(rows: Any, params: Any) -> Any:
    if text := clean_text(params.get("q", ""))[:100]:
        named = Q(grant__dataset__title__icontains=text) | Q(grant__department__name__icontains=text)
        rows = rows.filter(named | Q(grant__dataset__provider__name__icontains=text))
    return rows


def to_decide(standing: Standing) -> Q:
    """Pending renewals that an office of this person decides."""
    providers = standing.departments_with(Duty.PROVIDER_APPROVER)
    running = Q(state=RenewalState.PENDING, grant__dataset__provider__in=providers)
    return running & ~Q(grant__state=GrantState.REVOKED)


def renewals(standing: Standing, params: Any) -> RenewalQuerySet:
    """Renewals that one may read: of one's departments, for one's office to decide, or all; filtered and in order."""
    rows = GrantRenewal.objects.readable_by(standing)
    if params.get("side") == "mine":
        rows = rows.filter(grant__department__in=standing.departments_with())
    elif params.get("side") == "answer":
        rows = rows.filter(to_decide(standing))
    if (state := params.get("state", "")) in RenewalState.values:
        rows = rows.filter(state=state)
    found: RenewalQuerySet = _words(rows, params)
    order = RENEWAL_SORTS.get(params.get("sort", ""), RENEWAL_SORTS["-created"])
    return found.select_related(*RELATED, "asked_by", "decided_by").order_by(*order)


def to_confirm(standing: Standing) -> ReviewQuerySet:
    """Reviews that this person may confirm."""
    return GrantReview.objects.unconfirmed().filter(grant__department__in=standing.departments_with(Duty.APPLICANT))


def reviews(standing: Standing, params: Any) -> ReviewQuerySet:
    """Reviews to be confirmed by one's departments, all of theirs, or those of the data they gave; with the use."""
    side = params.get("side", "")
    rows = GrantReview.objects.readable_by(standing)
    if side == "given":
        rows = rows.filter(grant__dataset__provider__in=standing.departments_with())
    elif side == "mine":
        rows = rows.filter(grant__department__in=standing.departments_with())
    else:
        rows = rows.unconfirmed().filter(grant__department__in=standing.departments_with())
    if (state := params.get("state", "")) in ReviewState.values:
        rows = rows.filter(state=state)
    if params.get("unused") == "1":
        rows = rows.filter(is_unused=True)
    found: ReviewQuerySet = _words(rows, params)
    order = REVIEW_SORTS.get(params.get("sort", ""), REVIEW_SORTS["-opened" if side else "due"])
    return found.select_related(*RELATED, "confirmed_by").order_by(*order)


def with_use(rows: QuerySet[GrantReview]) -> QuerySet[GrantReview]:
    """``last_used`` and ``rows_taken`` in the last year, and each grant's living keys as ``living_keys``."""
    usage = UsageRecord.objects.filter(grant=OuterRef("grant")).order_by().values("grant")
    lately = usage.filter(at__gte=timezone.now() - YEAR)
    taken = Subquery(lately.annotate(n=Sum("rows")).values("n"), output_field=IntegerField())
    living = Credential.objects.filter(revoked_at__isnull=True).select_related("created_by")
    return rows.annotate(
        last_used=Subquery(usage.annotate(last=Max("at")).values("last")), rows_taken=Coalesce(taken, 0)
    ).prefetch_related(Prefetch("grant__credentials", living, to_attr="living_keys"))


def key_people(review: GrantReview) -> list[str]:
    """Who holds a living key of the grant, each once; the rows come from ``with_use``."""
    return list(dict.fromkeys(str(key.created_by) for key in review.grant.living_keys))  # type: ignore[attr-defined]


def waiting_lists(standing: Standing) -> list[QuerySet[Any]]:
    """The renewals and the reviews that wait for this person."""
    found: list[QuerySet[Any]] = []
    if standing.departments_with(Duty.PROVIDER_APPROVER):
        found.append(GrantRenewal.objects.filter(to_decide(standing)))
    if standing.departments_with(Duty.APPLICANT):
        found.append(to_confirm(standing))
    return found
