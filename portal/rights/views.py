"""The review of rights, for the security administrator."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from portal import access
from portal.access import Permission
from portal.accounts.models import AdminRole
from portal.dashboards.cards import Card
from portal.departments.models import Duty
from portal.errors import PortalError
from portal.exports import csv_response
from portal.rights import review
from portal.rights.models import RightsReview, quarter_label
from portal.rights.review import Comparison, Right
from portal.views import actor_of

PAGE_SIZE = 50
KINDS = {
    "administrator": gettext_lazy("administrator"),
    "membership": gettext_lazy("duty"),
    "deputy": gettext_lazy("as a deputy"),
    "group": gettext_lazy("group"),
    "exception": gettext_lazy("exception"),
}
TABS = {
    "all": gettext_lazy("All rights"),
    "added": gettext_lazy("Given since the last review"),
    "removed": gettext_lazy("Ended since the last review"),
}
_OTHER_RIGHTS = {"dataset.view": gettext_lazy("see the record"), "member": gettext_lazy("member")}


def right_label(right: Right) -> str:
    """A right in the reader's language."""
    labels: dict[str, Any] = dict(Duty.choices) | dict(AdminRole.choices) | _OTHER_RIGHTS
    return str(labels.get(right.right, right.right))


def _searched(right: Right) -> str:
    words = (right.username, right.name, right.scope, right.scope_name, right_label(right))
    return " ".join(words).lower()


def _filtered(rights: list[Right], params: Any) -> list[Right]:
    text, kind = params.get("q", "").strip().lower(), params.get("kind", "")
    if kind in KINDS:
        rights = [right for right in rights if right.kind == kind]
    if text:
        rights = [right for right in rights if text in _searched(right)]
    return rights


def _chosen(found: Comparison, params: Any) -> list[Right]:
    tab = params.get("tab", "all")
    rows = {"added": found.added, "removed": found.removed}.get(tab, found.rights)
    return sorted(_filtered(rows, params))


def _context(request: HttpRequest) -> dict[str, Any]:
    found = review.compare()
    page = Paginator(_chosen(found, request.GET), PAGE_SIZE).get_page(request.GET.get("page"))
    return {
        "found": found,
        "page_obj": page,
        "lines": [(right, KINDS[right.kind], right_label(right)) for right in page.object_list],
        "kinds": KINDS,
        "tabs": TABS,
        "tab": request.GET.get("tab", "all"),
        "digest": hashlib.sha256(review.as_csv(found.rights)).hexdigest(),
        "quarter": quarter_label(review.quarter_of(timezone.localdate())),
        "is_due": review.is_due(),
        "reviews": RightsReview.objects.select_related("signed_by").defer("content")[:12],
    }


@login_required
def right_list(request: HttpRequest) -> HttpResponse:
    """Everybody's effective rights and what changed since the last review."""
    access.require(actor_of(request), Permission.RIGHTS_REVIEW)
    return render(request, "portal/right_list.html", _context(request))


@login_required
def right_export(request: HttpRequest) -> StreamingHttpResponse:
    """The chosen rights as CSV."""
    access.require(actor_of(request), Permission.RIGHTS_REVIEW)
    chosen = _chosen(review.compare(), request.GET)

    def rows() -> Iterator[list[Any]]:
        yield [_("username"), _("name"), _("kind"), _("scope"), "", _("right"), _("until"), _("basis")]
        for r in chosen:
            yield [r.username, r.name, KINDS[r.kind], r.scope, r.scope_name, right_label(r), r.until, r.basis]

    return csv_response(rows(), "rights")


@login_required
@require_POST
def sign_off(request: HttpRequest) -> HttpResponse:
    """Sign for this quarter; the findings that were typed are kept when it cannot be done."""
    note = request.POST.get("note", "").replace("\x00", "")[:2_000]
    actor = actor_of(request)
    access.require(actor, Permission.RIGHTS_REVIEW)
    try:
        review.sign_off(actor=actor, note=note, seen_digest=request.POST.get("digest", ""))
    except PortalError as error:
        context = _context(request) | {"error": error, "note": note}
        return render(request, "portal/right_list.html", context, status=int(error.status))
    messages.success(request, _("The review is signed."))
    return redirect("rights:right-list")


@login_required
def review_download(request: HttpRequest, quarter: str) -> HttpResponse:
    """The list that was signed, exactly."""
    access.require(actor_of(request), Permission.RIGHTS_REVIEW)
    found = get_object_or_404(RightsReview, quarter=quarter)
    response = HttpResponse(review.content_of(found), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="rights-{found.quarter}.csv"'
    return response


def cards(actor: Any) -> list[Card]:
    """A review that is due, for the security administrator."""
    if not access.can(actor, Permission.RIGHTS_REVIEW):
        return []
    from django.urls import reverse

    return [Card(_("Reviews of rights due"), int(review.is_due()), reverse("rights:right-list"), "warn")]
