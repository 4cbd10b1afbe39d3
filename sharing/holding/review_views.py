"""The pages of the yearly review: what is to be confirmed, by tick, and what the provider sees of it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from django.views.generic import ListView

from catalog.search import as_uuids
from portal.departments.models import Duty
from portal.errors import NotPermitted
from portal.list_export import exported
from portal.lists import listed
from portal.views import CappedPaginator, WorkplaceMixin, actor_of, clean_text
from sharing.holding import queries, reviews
from sharing.models import GrantReview, ReviewState

HEAD = (
    gettext_lazy("dataset"),
    gettext_lazy("provider"),
    gettext_lazy("user"),
    gettext_lazy("purpose"),
    gettext_lazy("until"),
    gettext_lazy("last used"),
    gettext_lazy("rows in a year"),
    gettext_lazy("people with keys"),
    gettext_lazy("begun"),
    gettext_lazy("to be confirmed by"),
    gettext_lazy("state"),
    gettext_lazy("confirmed by"),
    gettext_lazy("remark"),
)


class ReviewListView(WorkplaceMixin, ListView[GrantReview]):
    """Grants that come up for their yearly review."""

    template_name = "sharing/holding/review_list.html"
    paginate_by = 100
    paginator_class = CappedPaginator

    def get_queryset(self) -> QuerySet[GrantReview]:
        return queries.with_use(queries.reviews(self.actor.standing, self.request.GET))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        side = self.request.GET.get("side", "")
        return context | {
            "lines": [(review, queries.key_people(review)) for review in context["object_list"]],
            "side": side,
            "states": ReviewState.choices,
            "may_confirm": not side and bool(self.actor.standing.departments_with(Duty.APPLICANT)),
        }


@login_required
def review_export(request: HttpRequest) -> HttpResponseBase:
    """The list under its filters, as CSV or XLSX."""
    rows = queries.with_use(queries.reviews(actor_of(request).standing, request.GET))
    lines = (_line(review) for review in rows.iterator(chunk_size=1_000))
    return exported(request.GET.get("format", ""), "grant-reviews", _("Yearly review"), HEAD, lines)


def _line(review: Any) -> list[Any]:
    grant = review.grant
    return [
        grant.dataset.title,
        grant.dataset.provider.name,
        grant.department.name,
        grant.item.request.get_purpose_display(),
        grant.valid_until,
        review.last_used.date() if review.last_used else _("never"),
        review.rows_taken,
        listed(queries.key_people(review)),
        review.opened_on,
        review.due_on,
        review.get_state_display(),
        str(review.confirmed_by or ""),
        review.statement,
    ]


@login_required
@require_POST
def review_confirm(request: HttpRequest) -> HttpResponse:
    """Confirm the ticked reviews, with a line for each that says what became of it."""
    actor = actor_of(request)
    departments = actor.standing.departments_with(Duty.APPLICANT)
    if not departments:
        raise NotPermitted
    mine = GrantReview.objects.filter(grant__department__in=departments)
    rows = mine.filter(pk__in=as_uuids(request.POST.getlist("review")[: reviews.BULK_LIMIT]))
    found = list(rows.select_related("grant__dataset__provider", "grant__department").order_by("due_on", "id"))
    if not found:
        messages.warning(request, _("Tick the grants that are still used."))
        return redirect("sharing:review-list")
    statement = clean_text(request.POST.get("statement", ""))[: reviews.TEXT_LIMIT]
    lines = reviews.confirm_all(reviews=found, actor=actor, statement=statement)
    if len(lines) == 1 and not lines[0].error:
        messages.success(request, _("Confirmed."))
        return redirect("sharing:review-list")
    return render(request, "sharing/holding/review_result.html", {"lines": lines})
