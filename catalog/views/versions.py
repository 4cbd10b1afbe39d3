"""Versions of a record: its revision, two versions side by side, and an old one brought back."""

from __future__ import annotations

from itertools import groupby
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from catalog import history, impact, revisions
from catalog.documents import Difference, Document, differences, snapshot
from catalog.models import Dataset, DatasetVersion
from catalog.panels import Panel, register
from catalog.views.records import visible_or_404
from portal import access
from portal.access import Actor, Permission
from portal.views import actor_of

WORK = "work"
"""The side of a comparison that is being written."""


@login_required
@require_POST
def revision_begin(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Open the next version of a published record, from an older version when one is named."""
    dataset = visible_or_404(request, pk)
    text = request.POST.get("version", "")
    version = int(text) if text.isdecimal() and len(text) < 9 else None
    if version is not None and not dataset.versions.filter(number=version).exists():
        raise Http404
    revisions.begin(dataset=dataset, actor=actor_of(request), version=version)
    messages.success(request, _("A revision is open. The published version stays until the revision is agreed."))
    return redirect("catalog:dataset-edit", pk)


@login_required
@require_POST
def revision_discard(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Give the open revision up."""
    dataset = visible_or_404(request, pk)
    revisions.discard(dataset=dataset, actor=actor_of(request))
    messages.success(request, _("The revision is given up; the published version stands."))
    return redirect(dataset)


@login_required
def version_compare(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Two versions side by side: what changed, field by field and item by item."""
    dataset = visible_or_404(request, pk)
    access.require(actor_of(request), Permission.DATASET_VERSIONS, dataset)
    sides = _sides(dataset)
    keys = list(sides)
    if not keys:
        raise Http404
    left = request.GET.get("left") or (keys[1] if len(keys) > 1 else keys[0])
    right = request.GET.get("right") or keys[0]
    if left not in sides or right not in sides:
        raise Http404
    found = differences(_document(dataset, left), _document(dataset, right))
    context = {
        "dataset": dataset,
        "sides": sides,
        "left": left,
        "right": right,
        "left_name": sides[left],
        "right_name": sides[right],
        "fields": [one for one in found if not one.item],
        "items": _by_item(found),
    }
    if right == WORK and dataset.open_revision is not None:
        change = impact.change_of(snapshot(dataset), revisions.document_of(dataset))
        context |= {"change": change, "groups": impact.impact_of(dataset, change, actor_of(request))}
    return render(request, "catalog/version_compare.html", context)


def _sides(dataset: Dataset) -> dict[str, str]:
    """What can be compared, the newest first: the revision or draft in work, then the published versions."""
    sides: dict[str, str] = {}
    if dataset.open_revision is not None or not dataset.is_published:
        sides[WORK] = _("in work")
    for number in dataset.versions.values_list("number", flat=True):
        sides[str(number)] = _("version %(number)s") % {"number": number}
    return sides


def _document(dataset: Dataset, side: str) -> Document:
    if side == WORK:
        return revisions.document_of(dataset)
    return DatasetVersion.objects.get(dataset=dataset, number=int(side)).metadata


def _by_item(found: list[Difference]) -> list[tuple[str, list[Difference]]]:
    rows = [one for one in found if one.item]
    return [(column, list(group)) for column, group in groupby(rows, key=lambda one: one.item)]


def _shown(actor: Actor, dataset: Dataset) -> bool:
    return access.can(actor, Permission.DATASET_VERSIONS, dataset)


def _context(actor: Actor, dataset: Dataset, request: HttpRequest) -> dict[str, Any]:
    return {
        "versions": dataset.versions.select_related("published_by").defer("metadata"),
        "lines": history.lines(dataset),
        "may_restore": dataset.is_published
        and dataset.open_revision is None
        and access.can(actor, Permission.DATASET_EDIT, dataset),
    }


def register_panel() -> None:
    """The tab of versions and history."""
    register(Panel("history", 90, gettext_lazy("Versions and history"), "catalog/_history.html", _shown, _context))
