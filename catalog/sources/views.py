"""Pages of the duplicates board."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from catalog import revisions
from catalog.models import DataElement, Dataset, DuplicatePair, PairState
from catalog.panels import Panel, register
from catalog.sources import advice, board, candidates, signatures
from portal import access
from portal.access import Actor, Permission
from portal.errors import InvalidInput
from portal.exports import csv_response
from portal.views import actor_of, clean_text, page_of, require_duty, show_refusal

SORTS = {"score": ("-score", "id"), "newest": ("-found_at", "id")}
EXPORT_LIMIT = 10_000


class SettleForm(forms.Form):
    """How a pair is settled."""

    outcome = forms.ChoiceField(
        label=gettext_lazy("Settlement"),
        choices=[
            (PairState.MERGED, gettext_lazy("One record stays; the other is withdrawn and refers to it")),
            (PairState.SOURCED, gettext_lazy("One is the source; the other takes its data from it")),
            (PairState.KEPT, gettext_lazy("Both stay, for a reason")),
        ],
        widget=forms.RadioSelect,
    )
    keeper = forms.ChoiceField(
        label=gettext_lazy("The record that stays, or the source"), required=False, widget=forms.RadioSelect
    )
    until = forms.DateField(
        label=gettext_lazy("Both stay until"),
        required=False,
        help_text=gettext_lazy("Empty: until the records change."),
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=1000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args: Any, pair: DuplicatePair, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        both = (pair.one, pair.two)
        self.fields["keeper"].choices = [(str(d.pk), f"{d.title} · {d.provider}") for d in both]  # type: ignore[attr-defined]


def _chosen(request: HttpRequest, actor: Actor) -> QuerySet[DuplicatePair]:
    rows = board.visible_pairs(actor)
    state = request.GET.get("state", PairState.OPEN)
    if state in PairState.values:
        rows = rows.filter(state=state)
    if text := clean_text(request.GET.get("q", "")):
        of_one = Q(one__title__icontains=text) | Q(one__provider__name__icontains=text)
        rows = rows.filter(of_one | Q(two__title__icontains=text) | Q(two__provider__name__icontains=text))
    return rows.order_by(*SORTS.get(request.GET.get("sort", ""), SORTS["score"]))


@login_required
def duplicate_list(request: HttpRequest) -> HttpResponse:
    """Pairs of records that hold the same data, the most alike first."""
    actor = require_duty(request)
    context = {
        "page": page_of(request, _chosen(request, actor)),
        "states": PairState.choices,
        "state": request.GET.get("state", PairState.OPEN),
        "may_settle": access.can(actor, Permission.DUPLICATE_SETTLE),
    }
    return render(request, "catalog/sources/duplicate_list.html", context)


@login_required
def duplicate_export(request: HttpRequest) -> StreamingHttpResponse:
    """The same list as CSV."""
    actor = require_duty(request)

    def rows() -> Iterator[list[Any]]:
        yield [_("Title"), _("Provider"), _("Title"), _("Provider"), _("Alike"), _("State"), _("Reason")]
        for pair in _chosen(request, actor)[:EXPORT_LIMIT].iterator(chunk_size=500):
            both = [pair.one.title, pair.one.provider.name, pair.two.title, pair.two.provider.name]
            yield [*both, f"{pair.score:.0%}", pair.get_state_display(), pair.reason]

    return csv_response(rows(), "duplicates")


@login_required
def duplicate_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A pair item by item, and the form that settles it."""
    actor = require_duty(request)
    pair = get_object_or_404(board.visible_pairs(actor), pk=pk)
    may_settle = access.can(actor, Permission.DUPLICATE_SETTLE, pair)
    form = SettleForm(request.POST or None, pair=pair)
    if request.method == "POST":
        access.require(actor, Permission.DUPLICATE_SETTLE, pair)
        if form.is_valid() and _settled(form, pair, actor):
            messages.success(request, _("Settled. Both providers are told."))
            return redirect("catalog:duplicate-list")
    context = {
        "pair": pair,
        "rows": _item_rows(pair),
        "form": form if may_settle and pair.state == PairState.OPEN else None,
        "may_settle": may_settle,
    }
    return render(request, "catalog/sources/duplicate_detail.html", context, status=422 if form.errors else 200)


def _settled(form: SettleForm, pair: DuplicatePair, actor: Actor) -> bool:
    data = form.cleaned_data
    keeper = next((d for d in (pair.one, pair.two) if str(d.pk) == data["keeper"]), None)
    try:
        board.settle(
            pair=pair,
            actor=actor,
            outcome=PairState(data["outcome"]),
            keeper=keeper if data["outcome"] != PairState.KEPT else None,
            reason=data["reason"],
            until=data["until"] if data["outcome"] == PairState.KEPT else None,
        )
    except InvalidInput as error:
        show_refusal(form, error)
        return False
    return True


def _item_rows(pair: DuplicatePair) -> list[tuple[Any, Any]]:
    """Items side by side: the same ones first, then those of one side only."""
    one, two = (list(d.items.select_related("element")) for d in (pair.one, pair.two))
    names = [[(i.name, i.column, i.element.name if i.element else "") for i in items] for items in (one, two)]
    pairs = candidates.paired(signatures.of_items(names[0]), signatures.of_items(names[1]))
    left, right = {a for a, _b in pairs}, {b for _a, b in pairs}
    rows: list[tuple[Any, Any]] = [(one[a], two[b]) for a, b in pairs]
    rows += [(item, None) for n, item in enumerate(one) if n not in left]
    return rows + [(None, item) for n, item in enumerate(two) if n not in right]


@login_required
@require_POST
def duplicate_reopen(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take a settlement back."""
    actor = actor_of(request)
    pair = get_object_or_404(board.visible_pairs(actor), pk=pk)
    board.reopen(pair=pair, actor=actor)
    messages.success(request, _("Open again."))
    return redirect("catalog:duplicate-detail", pk)


@login_required
@require_POST
def duplicate_look(request: HttpRequest) -> HttpResponse:
    """Look for pairs now, among the records that changed."""
    from catalog.sources.tasks import look_for_duplicates

    access.require(actor_of(request), Permission.DUPLICATE_SETTLE)
    look_for_duplicates.defer(timestamp=0)
    messages.success(request, _("The search is running; new pairs appear here in a moment."))
    return redirect("catalog:duplicate-list")


@login_required
def source_list(request: HttpRequest) -> HttpResponse:
    """Data elements with their one source, without one, or held by several providers."""
    actor = require_duty(request)
    visible = Dataset.objects.readable_by(actor.standing.reader_groups)
    rows = DataElement.objects.filter(retired_at__isnull=True).select_related("source_dataset__provider")
    rows = rows.filter(Q(source_dataset__isnull=True) | Q(source_dataset__in=visible))
    if request.GET.get("source") == "none":
        rows = rows.filter(source_dataset__isnull=True)
    elif request.GET.get("source") == "named":
        rows = rows.filter(source_dataset__isnull=False)
    if text := clean_text(request.GET.get("q", "")):
        rows = rows.filter(Q(name__icontains=text) | Q(code__icontains=text))
    page = page_of(request, rows.order_by("code"))
    held = _holders([element.pk for element in page.object_list], actor)
    context = {"page": page, "rows": [(element, held.get(element.pk, [])) for element in page.object_list]}
    return render(request, "catalog/sources/source_list.html", context)


def _holders(elements: list[UUID], actor: Actor) -> dict[UUID, list[str]]:
    """The providers whose published records hold each element."""
    rows = Dataset.objects.readable_by(actor.standing.reader_groups).published().filter(items__element__in=elements)
    found: dict[UUID, list[str]] = {}
    for pk, name in rows.values_list("items__element", "provider__name").distinct().order_by("provider__name"):
        found.setdefault(pk, []).append(name)
    return found


def _shown(actor: Actor, dataset: Dataset) -> bool:
    return access.can(actor, Permission.DATASET_VERSIONS, dataset)


def _context(actor: Actor, dataset: Dataset, request: HttpRequest) -> dict[str, Any]:
    found = advice.matches(revisions.document_of(dataset), dataset, actor)
    titles = candidates.readable_titles([match.dataset_id for match in found])
    both = Q(one=dataset) | Q(two=dataset)
    return {
        "matches": [(match, titles[match.dataset_id]) for match in found if match.dataset_id in titles],
        "pairs": board.visible_pairs(actor).filter(both).order_by("-score"),
    }


def register_panel() -> None:
    """The tab of records that hold the same."""
    title = gettext_lazy("Duplicates")
    register(Panel("duplicates", 60, title, "catalog/sources/_panel.html", _shown, _context))
