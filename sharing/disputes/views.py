"""The pages of disputes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from django.views.generic import ListView

from portal import access
from portal.access import Permission
from portal.audit.record import stream_of
from portal.errors import PortalError
from portal.views import CappedPaginator, WorkplaceMixin, actor_of, clean_text
from sharing import history
from sharing.disputes import acts
from sharing.models import Dispute, DisputeStage, SharingRequest
from sharing.terms import Terms, sentences

TABS = {"open": gettext_lazy("Open"), "settled": gettext_lazy("Settled")}
RELATED = ("item__request__department", "item__dataset__provider", "step__department", "coordinator", "superior")


@login_required
def dispute_open(request: HttpRequest, pk: UUID, item_pk: UUID) -> HttpResponse:
    """Contest a refusal or conditions; what was typed is kept when it cannot be done."""
    rows = SharingRequest.objects.readable_by(actor_of(request).standing)
    found = get_object_or_404(rows, pk=pk)
    actor = access.require(actor_of(request), Permission.REQUEST_SUBMIT, found)
    item = get_object_or_404(found.items.select_related("dataset__provider"), pk=item_pk)
    if request.method == "GET" and not acts.may_open(item):
        messages.warning(request, _("There is nothing to contest here, or it was contested already."))
        return redirect(found)
    text, error = "", None
    if request.method == "POST":
        text = clean_text(request.POST.get("text", ""))
        try:
            return redirect(acts.open_dispute(item=item, actor=actor, text=text))
        except PortalError as caught:
            error = caught
    titles = {each.column: each.name for each in item.dataset.items.all()}
    context = {
        "sharing_request": found,
        "item": item,
        "entry": acts.contested(item),
        "terms": sentences(Terms.of_json(item.terms), titles),
        "text": text,
        "error": error,
    }
    return render(request, "sharing/disputes/open.html", context, status=int(error.status) if error else 200)


class DisputeListView(WorkplaceMixin, ListView[Dispute]):
    """Disputes that I may read, the next deadline first, or the newest settled."""

    template_name = "sharing/disputes/list.html"
    paginate_by = 20
    paginator_class = CappedPaginator

    def get_queryset(self) -> QuerySet[Dispute]:
        rows = Dispute.objects.readable_by(self.actor.standing).select_related(*RELATED)
        if text := clean_text(self.request.GET.get("q", "")):
            rows = rows.filter(item__dataset__title__icontains=text) | rows.filter(number__istartswith=text)
        if self.request.GET.get("tab") == "settled":
            return rows.filter(stage=DisputeStage.SETTLED).order_by("-settled_at", "-id")
        return rows.exclude(stage=DisputeStage.SETTLED).order_by("due_at", "id")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(tabs=TABS, tab=self.request.GET.get("tab", "open"), **kwargs)


def _dispute(request: HttpRequest, pk: UUID) -> Dispute:
    rows = Dispute.objects.readable_by(actor_of(request).standing).distinct()
    return get_object_or_404(rows.select_related(*RELATED, "opened_by", "settled_by"), pk=pk)


@login_required
def dispute_detail(request: HttpRequest, pk: UUID, error: PortalError | None = None) -> HttpResponse:
    """The ladder, what both sides said, and what one may do."""
    dispute, actor = _dispute(request, pk), actor_of(request)
    is_open = dispute.stage != DisputeStage.SETTLED
    applies = access.can(actor, Permission.REQUEST_SUBMIT, dispute.item.request)
    until = acts.appeal_until(dispute)
    context = {
        "dispute": dispute,
        "entry": dispute.step.step_items.filter(item=dispute.item_id).first(),
        "statements": dispute.statements.select_related("department", "author"),
        "stages": [stage for stage in DisputeStage if stage != DisputeStage.SETTLED],
        "lines": history.lines(stream_of(dispute)),
        "may_say": is_open and access.can(actor, Permission.DISPUTE_SAY, dispute),
        "may_move_up": is_open
        and dispute.stage != DisputeStage.SUPERIOR
        and access.can(actor, Permission.DISPUTE_MOVE_UP, dispute),
        "may_give_way": dispute.stage == DisputeStage.NEGOTIATION
        and access.can(actor, Permission.DISPUTE_GIVE_WAY, dispute),
        "may_settle": dispute.authority is not None and access.can(actor, Permission.DISPUTE_SETTLE, dispute),
        "may_withdraw": is_open and applies,
        "appeal_until": until if applies and until and until >= timezone.localdate() else None,
        "error": error,
        "text": clean_text(request.POST.get("text", "")) if error else "",
    }
    return render(request, "sharing/disputes/detail.html", context, status=int(error.status) if error else 200)


@login_required
@require_POST
def dispute_act(request: HttpRequest, pk: UUID, act: str) -> HttpResponse:
    """Do something in a dispute; what was typed is kept when it cannot be done."""
    dispute, actor = _dispute(request, pk), actor_of(request)
    text = clean_text(request.POST.get("text", ""))
    commands: dict[str, Callable[[], object]] = {
        "say": lambda: acts.say(dispute=dispute, actor=actor, text=text),
        "move-up": lambda: acts.move_up(dispute=dispute, actor=actor),
        "give-way": lambda: acts.give_way(dispute=dispute, actor=actor, text=text),
        "withdraw": lambda: acts.withdraw(dispute=dispute, actor=actor),
        "overturn": lambda: acts.settle(dispute=dispute, actor=actor, is_overturned=True, text=text),
        "uphold": lambda: acts.settle(dispute=dispute, actor=actor, is_overturned=False, text=text),
        "appeal": lambda: acts.appeal(dispute=dispute, actor=actor),
    }
    if act not in commands:
        raise Http404
    try:
        commands[act]()
    except PortalError as error:
        if error.status == 403:
            raise
        return dispute_detail(request, pk, error)
    messages.success(request, _("Done."))
    return redirect(dispute)
