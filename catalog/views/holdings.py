"""The tab of a table's versions, and an old one brought back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from catalog import holdings
from catalog.models import Dataset, TableVersion
from catalog.panels import Panel, register
from portal import access
from portal.access import Actor, Permission
from portal.errors import PortalError
from portal.views import actor_of


@login_required
@require_POST
def table_restore(request: HttpRequest, pk: int) -> HttpResponse:
    """Bring an older version back."""
    actor = actor_of(request)
    visible = Dataset.objects.readable_by(actor.standing.reader_groups)
    rows = TableVersion.objects.filter(distribution__dataset__in=visible)
    version = get_object_or_404(rows.select_related("distribution__dataset__provider"), pk=pk)
    dataset = version.distribution.dataset
    access.require(actor, Permission.DATASET_EDIT, dataset)
    try:
        holdings.restore(version=version, actor=actor)
    except PortalError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The older rows are current again; the newer ones are kept as a version."))
    return redirect(f"{dataset.get_absolute_url()}?tab=holdings")


def _shown(actor: Actor, dataset: Dataset) -> bool:
    return access.can(actor, Permission.DATASET_VERSIONS, dataset)


def _context(actor: Actor, dataset: Dataset, request: HttpRequest) -> dict[str, Any]:
    rows = [(version, next(iter(version.jobs.all()), None)) for version in holdings.readable_versions(dataset)]
    return {"versions": rows, "may_edit": access.can(actor, Permission.DATASET_EDIT, dataset)}


def register_panel() -> None:
    """The tab of a table's versions."""
    register(Panel("holdings", 25, gettext_lazy("Data versions"), "catalog/_holdings.html", _shown, _context))
