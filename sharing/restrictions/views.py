"""The restriction list: list, export, one entry, entering, stating one's view, lifting."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from django.views.generic import ListView

from catalog.search import as_uuids
from portal import access
from portal.access import Permission
from portal.audit.record import stream_of
from portal.departments.scope import regions_for
from portal.errors import PortalError
from portal.list_export import exported
from portal.views import CappedPaginator, WorkplaceMixin, actor_of, clean_text, show_refusal
from sharing import history
from sharing.models import Effect, Grant, Restriction
from sharing.restrictions import acts, queries
from sharing.restrictions.forms import ListingForm

RELATED = ("department__region", "person", "authority")
STATES = {
    "in_force": gettext_lazy("In force"),
    "to_come": gettext_lazy("To come"),
    "ended": gettext_lazy("Ended"),
}
STATE_LABELS = {
    "in_force": gettext_lazy("In force"),
    "coming": gettext_lazy("To come"),
    "over": gettext_lazy("Term over"),
    "lifted": gettext_lazy("Lifted"),
}
KINDS = {"department": gettext_lazy("Departments"), "person": gettext_lazy("People")}
HEAD = (
    gettext_lazy("number"),
    gettext_lazy("department"),
    gettext_lazy("credit code"),
    gettext_lazy("person"),
    gettext_lazy("effect"),
    gettext_lazy("reason"),
    gettext_lazy("basis"),
    gettext_lazy("from"),
    gettext_lazy("until"),
    gettext_lazy("state"),
    gettext_lazy("authority"),
    gettext_lazy("statement"),
    gettext_lazy("reason of the lifting"),
)


class RestrictionListView(WorkplaceMixin, ListView[Restriction]):
    """Entries in my charge, of my departments, and my own."""

    template_name = "sharing/restrictions/list.html"
    paginate_by = 20
    paginator_class = CappedPaginator

    def get_queryset(self) -> QuerySet[Restriction]:
        rows = queries.matching(Restriction.objects.readable_by(self.actor), self.request.GET)
        return rows.select_related(*RELATED)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            effects=Effect.choices,
            states=STATES,
            state_labels=STATE_LABELS,
            kinds=KINDS,
            regions=regions_for(self.actor.standing),
            may_enter=access.can(self.actor, Permission.RESTRICTION_ENTER),
            **kwargs,
        )


@login_required
def restriction_export(request: HttpRequest) -> HttpResponseBase:
    """The list under its filters, as CSV or XLSX."""
    rows = queries.matching(Restriction.objects.readable_by(actor_of(request)), request.GET)
    lines = (
        [
            row.number,
            row.department.name,
            row.department.credit_code,
            str(row.person) if row.person else "",
            row.get_effect_display(),
            row.reason,
            row.basis,
            row.since,
            row.until,
            str(STATE_LABELS[row.state]),
            row.authority.name,
            row.statement,
            row.lift_reason,
        ]
        for row in rows.select_related(*RELATED).iterator(chunk_size=1_000)
    )
    return exported(request.GET.get("format", ""), "restrictions", _("Restriction list"), HEAD, lines)


@login_required
def restriction_create(request: HttpRequest) -> HttpResponse:
    """Put a department or a person on the list; ``?grant=`` fills in whose grant it is about."""
    actor = actor_of(request)
    access.require(actor, Permission.RESTRICTION_ENTER)
    named = as_uuids([request.GET.get("grant", "")])
    grant = Grant.objects.readable_by(actor.standing).filter(pk__in=named).select_related("department").first()
    initial = {"grant": grant.pk, "department": grant.department.credit_code} if grant else {}
    form, status = ListingForm(request.POST or None, actor=actor, initial=initial), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                made = acts.enter(listing=form.listing(), actor=actor)
            except PortalError as error:
                show_refusal(form, error)
                status = int(error.status)
            else:
                messages.success(request, _("Entered. The listed side is told and can state its view."))
                return redirect(made)
    context = {
        "form": form,
        "title": _("Put on the restriction list"),
        "lead": _("The listed side and the offices that decide on its requests read reason, basis and term."),
        "tone": "is-danger",
        "back": reverse("sharing:restriction-list"),
        "list_url": reverse("sharing:restriction-list"),
        "list_title": _("Restriction list"),
    }
    return render(request, "layouts/act.html", context, status=status)


def _entry(request: HttpRequest, pk: UUID) -> Restriction:
    rows = Restriction.objects.readable_by(actor_of(request))
    return get_object_or_404(rows.select_related(*RELATED, "entered_by", "stated_by", "lifted_by"), pk=pk)


@login_required
def restriction_detail(request: HttpRequest, pk: UUID, error: PortalError | None = None) -> HttpResponse:
    """One entry with the statement of the listed side, and what one may do."""
    entry, actor = _entry(request, pk), actor_of(request)
    is_open = entry.state in ("in_force", "coming")
    may_state = is_open and entry.stated_at is None and access.can(actor, Permission.RESTRICTION_STATE, entry)
    context = {
        "entry": entry,
        "state_label": STATE_LABELS[entry.state],
        "about": entry.request if entry.request and access.can(actor, Permission.REQUEST_VIEW, entry.request) else None,
        "about_grant": entry.grant if entry.grant and access.can(actor, Permission.GRANT_VIEW, entry.grant) else None,
        "may_state": may_state,
        "may_lift": is_open and access.can(actor, Permission.RESTRICTION_ENTER, entry.department),
        "lines": history.lines(stream_of(entry)),
        "error": error,
        "text": clean_text(request.POST.get("text", "")) if error else "",
    }
    return render(request, "sharing/restrictions/detail.html", context, status=int(error.status) if error else 200)


@login_required
@require_POST
def restriction_act(request: HttpRequest, pk: UUID, act: str) -> HttpResponse:
    """State one's view, or lift an entry; what was typed is kept when it cannot be done."""
    entry, actor = _entry(request, pk), actor_of(request)
    text = clean_text(request.POST.get("text", ""))
    try:
        if act == "state":
            acts.state(entry=entry, actor=actor, text=text)
        elif act == "lift":
            acts.lift(entry=entry, actor=actor, reason=text)
        else:
            raise Http404
    except PortalError as error:
        if error.status == 403:
            raise
        return restriction_detail(request, pk, error)
    messages.success(request, _("Done."))
    return redirect(entry)
