"""Profiles kept with their versions, and the notice when a new version breaks with the one before."""

from __future__ import annotations

from dataclasses import asdict

from django.db import transaction

from catalog.models import TableProfile, TableVersion
from catalog.quality.drift import drift
from catalog.quality.profiles import profile
from catalog.tables.storage import default_storage
from portal.departments.duties import holders
from portal.departments.models import Duty
from portal.notices.models import NoticeKind
from portal.notices.send import notify


def compute(version_id: int) -> TableProfile | None:
    """Profile a version and compare it with the one before; cataloguers are told once of what broke.

    Safe to run again: the profile is renewed, nobody is told twice.
    """
    rows = TableVersion.objects.select_related("distribution__dataset__provider")
    version = rows.filter(pk=version_id).first()
    if version is None:
        return None
    found = profile(version.ref, default_storage())
    with transaction.atomic():
        made, is_new = TableProfile.objects.update_or_create(
            version=version,
            defaults={
                "rows": found.rows,
                "repeated_keys": found.repeated_keys,
                "columns": [asdict(column) for column in found.columns],
            },
        )
        made.drift = drift(_before(version), made)
        made.save()
        if is_new and made.drift:
            _tell(version, made)
    return made


def _before(version: TableVersion) -> TableProfile | None:
    earlier = TableProfile.objects.filter(
        version__distribution=version.distribution, version__number__lt=version.number
    )
    return earlier.order_by("-version__number").first()


def _tell(version: TableVersion, made: TableProfile) -> None:
    dataset = version.distribution.dataset
    people = holders(dataset.provider, Duty.CATALOGUER)
    names = [one["column"] for one in made.drift if one["column"]]
    data = {"title": dataset.title, "n": len(made.drift), "note": "、".join(names[:5])}
    url = f"{dataset.get_absolute_url()}?tab=profile"
    notify(people, NoticeKind.DATA_DRIFT, url=url, data=data, department=dataset.provider)
