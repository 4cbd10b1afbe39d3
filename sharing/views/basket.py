"""The basket: datasets put aside to apply for."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from catalog.search import as_uuids
from portal import access
from portal.access import Permission
from portal.departments.models import Duty
from portal.views import actor_of
from sharing import drafts
from sharing.models import BasketItem, RequestState, SharingRequest
from sharing.precheck.working import had
from sharing.preparing import copying


def _ids(request: HttpRequest) -> list[UUID]:
    return as_uuids(request.POST.getlist("dataset")[: drafts.ITEM_LIMIT])


def _next(request: HttpRequest, default: str) -> HttpResponse:
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()})
    return redirect(target if safe else default)


@login_required
def basket(request: HttpRequest) -> HttpResponse:
    """The datasets put aside, by provider."""
    actor = actor_of(request)
    access.require(actor, Permission.REQUEST_CREATE)
    rows = BasketItem.objects.filter(user=actor.user).select_related("dataset__provider__region")
    items = sorted(rows, key=lambda row: (row.dataset.provider.region.level, row.dataset.provider.name))
    open_drafts = SharingRequest.objects.filter(
        created_by=actor.user, department__in=copying.applies_for(actor), state=RequestState.DRAFT
    ).order_by("-modified")
    context = {"items": items, "drafts": open_drafts[:10]} | had(
        actor.standing.departments_with(Duty.APPLICANT), [row.dataset_id for row in items]
    )
    return render(request, "sharing/basket.html", context)


@login_required
@require_POST
def basket_add(request: HttpRequest) -> HttpResponse:
    """Put datasets in the basket and go back."""
    actor = actor_of(request)
    access.require(actor, Permission.REQUEST_CREATE)
    added = drafts.add_to_basket(actor=actor, dataset_ids=_ids(request))
    if added:
        text = ngettext("%(n)s dataset is in the basket now.", "%(n)s datasets are in the basket now.", added)
        messages.success(request, text % {"n": added})
    else:
        messages.warning(request, _("Nothing was added: choose datasets that are not in the basket yet."))
    return _next(request, "sharing:basket")


@login_required
@require_POST
def basket_remove(request: HttpRequest) -> HttpResponse:
    """Take datasets out of the basket."""
    actor = actor_of(request)
    access.require(actor, Permission.REQUEST_CREATE)
    assert actor.user is not None
    drafts.remove_from_basket(user=actor.user, dataset_ids=_ids(request))
    return redirect("sharing:basket")
