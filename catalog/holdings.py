"""The versions of a table: older ones are read, brought back, and removed once enough newer ones are there."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog import lifecycle, loading
from catalog.models import Dataset, Distribution, TableVersion
from catalog.tables.schema import columns_to_json
from catalog.tables.storage import default_storage
from portal import access
from portal.access import Actor, Permission
from portal.errors import WrongState


@transaction.atomic
def restore(*, version: TableVersion, actor: Actor) -> TableVersion:
    """Make an older version of a table the current one again, as a new version; nothing of the newer ones is lost.

    Raises:
        WrongState: it is the current one, was removed, a load is running, or the record is in review.
    """
    dataset = lifecycle.lock(version.distribution.dataset)
    actor = access.require(actor, Permission.DATASET_EDIT, dataset)
    loading.check_state(dataset)
    distribution = Distribution.objects.select_for_update(of=("self",)).get(pk=version.distribution_id)
    version = TableVersion.objects.get(pk=version.pk)
    if distribution.jobs.active().exists():
        raise WrongState(_("A file of this dataset is being loaded. Wait until it is done."))
    if version.removed_at or distribution.current_id == version.pk:
        raise WrongState(_("This version is the current one, or it was removed."))
    restored = TableVersion.objects.create(
        distribution=distribution,
        number=default_storage().restore(distribution.pk, version.number),
        columns=columns_to_json(version.schema),
        key=version.key,
        row_count=version.row_count,
        rejected_count=version.rejected_count,
        size_bytes=version.size_bytes,
    )
    data = {"version": restored.number, "of": version.number, "rows": restored.row_count}
    loading.make_current(restored, dataset=dataset, verb="table.restored", actor=actor, data=data)
    return restored


def prune(now: dt.datetime | None = None) -> int:
    """Remove the data of versions that are neither current nor among the newest TABLE_VERSIONS_KEPT.

    Their rows in the database stay, with figures and profiles. Returns how many were removed. Safe to run again.
    """
    now = now or timezone.now()
    removed = 0
    for distribution in Distribution.objects.filter(current__isnull=False).iterator():
        with transaction.atomic():
            Distribution.objects.select_for_update(of=("self",)).get(pk=distribution.pk)
            held = list(distribution.versions.filter(removed_at=None).order_by("-pk"))
            kept = {version.pk for version in held[: settings.TABLE_VERSIONS_KEPT]} | {distribution.current_id}
            old = [version.pk for version in held if version.pk not in kept]
            removed += TableVersion.objects.filter(pk__in=old).update(removed_at=now)
        if not distribution.jobs.active().exists():
            numbers = distribution.versions.filter(removed_at=None).values_list("number", flat=True)
            default_storage().vacuum(distribution.pk, set(numbers))
    return removed


def readable_versions(dataset: Dataset) -> list[TableVersion]:
    """The versions of a record's table, the newest first, at most as many as a page shows."""
    rows = TableVersion.objects.filter(distribution__dataset=dataset).select_related("distribution")
    return list(rows.prefetch_related("jobs__created_by").order_by("-pk")[:50])
