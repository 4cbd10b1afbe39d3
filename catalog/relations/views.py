"""The tab of relations, and the export of whom a change hits."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog import impact
from catalog.models import Dataset, RelationKind
from catalog.panels import Panel, register
from catalog.relations.alike import joinable, like
from catalog.relations.graph import around
from catalog.views.records import visible_or_404
from portal import access
from portal.access import Actor, Permission
from portal.list_export import exported
from portal.views import actor_of

BACK = {
    RelationKind.DERIVED_FROM: gettext_lazy("source of"),
    RelationKind.PART_OF: gettext_lazy("holds"),
    RelationKind.REPLACES: gettext_lazy("replaced by"),
    RelationKind.RELATED: RelationKind.RELATED.label,
}
"""What the other end of a relation says."""
HEAD = (
    gettext_lazy("kind"),
    gettext_lazy("what"),
    gettext_lazy("department"),
    gettext_lazy("particulars"),
)


def _always(actor: Actor, dataset: Dataset) -> bool:
    return True


def _context(actor: Actor, dataset: Dataset, request: HttpRequest) -> dict[str, Any]:
    graph = around(dataset, actor.standing.reader_groups)
    near = [edge for edge in graph.edges if dataset.pk in (edge.left.dataset.pk, edge.right.dataset.pk)]
    rows = [
        (RelationKind(edge.kind).label, edge.left.dataset)
        if edge.right.dataset.pk == dataset.pk
        else (BACK[edge.kind], edge.right.dataset)
        for edge in near
    ]
    may_know = access.can(actor, Permission.DATASET_VERSIONS, dataset)
    groups = impact.impact_of(dataset, impact.WITHDRAWAL, actor) if may_know else []
    groups_of_reader = actor.standing.reader_groups
    alike = {"like": like(dataset, groups_of_reader), "joinable": joinable(dataset, groups_of_reader)}
    return {"graph": graph, "rows": rows, "may_know": may_know, "groups": groups, **alike}


@login_required
def impact_export(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Everything that depends on a record, as CSV or XLSX."""
    dataset = visible_or_404(request, pk)
    actor = actor_of(request)
    access.require(actor, Permission.DATASET_VERSIONS, dataset)
    groups = impact.impact_of(dataset, impact.WITHDRAWAL, actor, impact.EXPORTED)
    lines = impact.lines_of(groups)
    return exported(request.GET.get("format", ""), "impact", _("Who depends on it"), HEAD, lines)


def register_panel() -> None:
    """The tab of relations."""
    title = gettext_lazy("Relations")
    register(Panel("relations", 40, title, "catalog/relations/_panel.html", _always, _context))
