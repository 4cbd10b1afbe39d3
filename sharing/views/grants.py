"""Grants: what may be used, keys, downloads, use; and for the provider revoking and suspending."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django.views.generic import ListView

from catalog import prepared
from catalog.items import declared_columns
from catalog.models import Channel
from catalog.protection.forms import GrantMasksForm
from catalog.protection.views import masks_context
from catalog.tables.export import formats_of
from catalog.tables.filters import describe
from portal import access
from portal.access import Actor, Permission
from portal.audit.record import stream_of
from portal.departments.models import Duty
from portal.errors import PortalError
from portal.exports import csv_response
from portal.views import CappedPaginator, WorkplaceMixin, actor_of, clean_text
from sharing import grants, history
from sharing.corrections.rules import Standpoint
from sharing.delivery.download import export, whole_of
from sharing.delivery.gate import open_grant
from sharing.forms import ReasonForm
from sharing.holding import renewals
from sharing.models import Credential, Grant, GrantState, RenewalState

PREVIEW_ROWS = 20
USAGE_ROWS = 50


def _matching(request: HttpRequest, actor: Actor) -> QuerySet[Grant]:
    params = request.GET
    if params.get("side") == "given":
        rows = Grant.objects.filter(dataset__provider__in=actor.standing.departments_with())
    else:
        rows = Grant.objects.received_by(actor.standing)
    if params.get("state") in GrantState.values:
        rows = rows.filter(state=params["state"])
    if days := ending_days(params):
        last = timezone.localdate() + dt.timedelta(days=days)
        rows = rows.in_force().filter(valid_until__lte=last)
    if text := params.get("q", "").replace("\x00", "").strip():
        by_name = Q(department__name__icontains=text) | Q(item__request__outside_name__icontains=text)
        rows = rows.filter(Q(dataset__title__icontains=text) | by_name)
    return rows.select_related("dataset__provider", "department", "item__request").order_by("-created_at", "-id")


def ending_days(params: Any) -> int:
    """Within how many days the grants of the list end; 0 for any."""
    text = params.get("ending", "")
    return int(text) if text.isdecimal() and len(text) < 5 else 0


class GrantListView(WorkplaceMixin, ListView[Grant]):
    """Grants that my departments received, or gave."""

    template_name = "sharing/grant_list.html"
    paginate_by = 20
    paginator_class = CappedPaginator

    def get_queryset(self) -> QuerySet[Grant]:
        return _matching(self.request, self.actor)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        side = "given" if self.request.GET.get("side") == "given" else "received"
        context = super().get_context_data(states=GrantState.choices, side=side, **kwargs)
        using = self.actor.standing.departments_with(Duty.APPLICANT)
        mine = [grant for grant in context["object_list"] if side == "received" and grant.department_id in using]
        active = {grant.pk for grant in mine if grant.state == GrantState.ACTIVE and renewals.is_time(grant)}
        days = ending_days(self.request.GET)
        return context | {
            "renewable": active,
            "ending": days,
            "ending_days": sorted({*settings.GRANT_EXPIRY_NOTICE_DAYS, *([days] if days else [])}),
        }


@login_required
def grant_export(request: HttpRequest) -> StreamingHttpResponse:
    """The list as CSV."""
    found = _matching(request, actor_of(request))

    def rows() -> Iterator[list[Any]]:
        yield [_("dataset"), _("provider"), _("user"), _("items"), _("from"), _("until"), _("state")]
        for g in found[:10_000].iterator(chunk_size=1_000):
            names = [g.dataset.title, g.dataset.provider.name, g.holder_name, "、".join(g.columns)]
            yield [*names, g.valid_from, g.valid_until, g.get_state_display()]

    return csv_response(rows(), "grants")


def grant_or_404(request: HttpRequest, pk: UUID) -> Grant:
    """The grant, when the reader may see it."""
    rows = Grant.objects.readable_by(actor_of(request).standing)
    related = "dataset__provider__region", "department", "item__request__created_by"
    return get_object_or_404(rows.select_related(*related), pk=pk)


def _page(request: HttpRequest, grant: Grant, **extra: Any) -> HttpResponse:
    actor = actor_of(request)
    fields = {item.column: item for item in grant.dataset.items.all()}
    may_use = access.can(actor, Permission.GRANT_USE, grant)
    usage = grant.usage.select_related("user", "credential")
    context: dict[str, Any] = {
        "grant": grant,
        "fields": [fields[column] for column in grant.columns if column in fields],
        "rows": describe(grant.row_filter, {column: item.name for column, item in fields.items()}),
        "channels": [Channel(channel).label for channel in grant.channels],
        "credentials": list(grant.credentials.select_related("created_by")),
        "may_use": may_use,
        "may_list": access.can(actor, Permission.RESTRICTION_ENTER, grant.department),
        "may_revoke": access.can(actor, Permission.GRANT_REVOKE, grant),
        "usage": list(usage.order_by("-at")[:USAGE_ROWS]),
        "totals": usage.aggregate(n=Count("id"), rows=Sum("rows", default=0)),
        "api_url": request.build_absolute_uri(reverse("api:data-rows", args=[grant.pk])),
        "lines": history.lines(stream_of(grant)),
    }
    context |= _keeping(grant, actor, may_use)
    if may_use and grant.is_in_force:
        try:
            opening = open_grant(grant, Channel(grant.channels[0]))
            context["page"] = opening.page(opening.query(limit=PREVIEW_ROWS))
            if Channel.FILE in grant.channels:
                context["formats"] = formats_of(opening.columns)
                context["prepared"] = prepared.files_for(whole_of(opening))
        except PortalError as error:
            context["page_error"] = error
    return render(request, "sharing/grant_detail.html", context | extra)


def _keeping(grant: Grant, actor: Actor, may_use: bool) -> dict[str, Any]:
    """The renewal and the review of a grant, and what this person may do about its end and its errors."""
    renewal = grant.renewals.order_by("-created_at").first()
    if renewal is not None:
        renewal.grant = grant
    is_pending = renewal is not None and renewal.state == RenewalState.PENDING
    return {
        "renewal": renewal,
        "review": grant.reviews.unconfirmed().first(),
        "may_renew": may_use and not is_pending and grant.state != GrantState.REVOKED and renewals.is_time(grant),
        "may_decide_renewal": is_pending and access.can(actor, Permission.RENEWAL_DECIDE, renewal),
        "may_report": access.can(actor, Permission.CORRECTION_FILE, Standpoint(grant.dataset, grant.department)),
    }


@login_required
def grant_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One grant."""
    return _page(request, grant_or_404(request, pk))


@login_required
@require_POST
def credential_create(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A new key, shown in this answer and never again."""
    grant = grant_or_404(request, pk)
    _credential, key = grants.create_credential(grant=grant, actor=actor_of(request))
    response = _page(request, grant, new_key=key)
    response["Cache-Control"] = "no-store"
    return response


@login_required
@require_POST
def credential_withdraw(request: HttpRequest, pk: UUID) -> HttpResponse:
    """End a key."""
    visible = Grant.objects.readable_by(actor_of(request).standing)
    credential = get_object_or_404(Credential.objects.filter(grant__in=visible).select_related("grant"), pk=pk)
    grants.withdraw_credential(credential=credential, actor=actor_of(request))
    messages.success(request, _("The key is withdrawn."))
    return redirect(credential.grant)


@login_required
@require_GET
def grant_download(request: HttpRequest, pk: UUID, format: str) -> HttpResponseBase:
    """The granted rows as a file."""
    grant = grant_or_404(request, pk)
    actor = actor_of(request)
    access.require(actor, Permission.GRANT_USE, grant)
    return export(open_grant(grant, Channel.FILE), format, request=request, user=actor.user)


@login_required
def grant_revoke(request: HttpRequest, pk: UUID) -> HttpResponse:
    """End a grant for good, with a reason."""
    grant = grant_or_404(request, pk)
    access.require(actor_of(request), Permission.GRANT_REVOKE, grant)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        grants.revoke(grant=grant, actor=actor_of(request), reason=form.cleaned_data["reason"])
        messages.success(request, _("The grant is revoked. Running deliveries stop within a second."))
        return redirect(grant)
    return render(
        request, "sharing/grant_revoke.html", {"grant": grant, "form": form}, status=422 if form.errors else 200
    )


@login_required
def grant_masks(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The masks of one grant, set by the provider."""
    grant = grant_or_404(request, pk)
    actor = access.require(actor_of(request), Permission.GRANT_REVOKE, grant)
    columns = [column for column in declared_columns(grant.dataset) if column.name in grant.columns]
    kinds = {"grant": _("For this grant")}
    form = GrantMasksForm(request.POST or None, columns=columns, kinds=kinds, masks={"grant": grant.masks})
    if request.method == "POST" and form.is_valid():
        masks, reason = form.chosen("grant"), form.cleaned_data["reason"]
        grants.set_masks(grant=grant, actor=actor, masks=masks, reason=reason)
        messages.success(request, _("The masks hold from the next delivery on."))
        return redirect(grant)
    context = {"grant": grant, **masks_context(form)}
    return render(request, "sharing/grant_masks.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def grant_suspend(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Stop deliveries for a while, or (``act=resume``) let them go on; sent twice, the second changes nothing."""
    grant = grant_or_404(request, pk)
    if request.POST.get("act") == "resume":
        grants.resume(grant=grant, actor=actor_of(request))
    else:
        reason = clean_text(request.POST.get("reason", ""))[:1_000]
        grants.suspend(grant=grant, actor=actor_of(request), reason=reason)
    return redirect(grant)
