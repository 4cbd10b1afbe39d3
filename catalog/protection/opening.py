"""Anonymity as a condition of opening: asked before submission, measured after each load, answered by people."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from catalog import lifecycle, revisions
from catalog.models import DataItem, Dataset, DisclosureReport, OpenType, TableVersion
from catalog.protection.anonymity import held_columns, is_enough, measure, report_on, roles_of
from catalog.tables.errors import QueryTimeout
from portal import access
from portal.access import Actor, Permission
from portal.audit import record
from portal.departments.duties import holders
from portal.departments.models import Duty
from portal.errors import InvalidInput, WrongState
from portal.notices.models import NoticeKind
from portal.notices.send import notify


def current_version(dataset: Dataset) -> TableVersion | None:
    """The version of the record's table that is read."""
    rows = TableVersion.objects.filter(current_of__dataset=dataset).select_related("distribution")
    return rows.first()


def check(dataset: Dataset, items: Sequence[DataItem]) -> dict[str, list[str]]:
    """Before an open record is submitted and published: enough rows are alike in what could tell people apart."""
    roles = roles_of(items)
    if dataset.open_type == OpenType.NOT_OPEN or not roles.quasi:
        return {}
    version = current_version(dataset)
    if version is None:
        return {}
    try:
        report = report_on(version, roles)
    except QueryTimeout:
        return {"items": [_("The table is large; its anonymity is being measured. Try again in a few minutes.")]}
    if is_enough(report):
        return {}
    message = _(
        "%(rows)s rows could be told apart by %(items)s: fewer than %(k)s are alike. See the proposal under Anonymity."
    )
    names = {item.column: item.name for item in items}
    values = {"rows": report.at_risk or report.rows, "items": "、".join(names[name] for name in roles.quasi)}
    return {"items": [message % {**values, "k": settings.DISCLOSURE_K}]}


def measure_version(version_id: int) -> DisclosureReport | None:
    """Measure a loaded version for the record's roles as they are; safe to run again.

    Until it is found anonymous enough, the public gets its quasi-identifiers hidden; the cataloguers are told.
    """
    version = TableVersion.objects.select_related("distribution__dataset__provider").filter(pk=version_id).first()
    if version is None:
        return None
    dataset = version.distribution.dataset
    roles = roles_of(list(dataset.items.all()))
    if not roles.quasi:
        return None
    values = {"quasi": list(roles.quasi), **measure(version.ref, roles)}
    with transaction.atomic():
        report, is_new = DisclosureReport.objects.get_or_create(version=version, mark=roles.mark, defaults=values)
        if is_new and dataset.is_open and held_columns(version):
            people = {*holders(dataset.provider, Duty.CATALOGUER), *holders(dataset.provider, Duty.SECURITY_OFFICER)}
            url = f"{dataset.get_absolute_url()}?tab=anonymity"
            data = {"title": dataset.title, "k": report.k}
            notify(people, NoticeKind.DISCLOSURE_HELD, url=url, data=data, department=dataset.provider)
    return report


@transaction.atomic
def accept(*, dataset: Dataset, actor: Actor, masks: dict[str, str]) -> None:
    """Set the proposed masks on the open items, in the draft or the open revision.

    Raises:
        WrongState: a published record has no open revision, or it is in review.
    """
    dataset = lifecycle.lock(dataset)
    actor = access.require(actor, Permission.DATASET_EDIT, dataset)
    document = revisions.document_of(dataset)
    items = [{**item, "open_mask": masks.get(item["column"], item["open_mask"])} for item in document["items"]]
    lifecycle.update(dataset=dataset, actor=actor, values={}, items=items, seen_revision=dataset.work.revision)
    record.append(stream=record.stream_of(dataset), verb="disclosure.accepted", actor=actor, data={"masks": masks})


@transaction.atomic
def overrule(*, report: DisclosureReport, actor: Actor, reason: str) -> None:
    """Say that the figures are enough for this table, and why; the provider's security officers may.

    Raises:
        InvalidInput: no reason is given. WrongState: nothing needs to be overruled.
    """
    dataset = report.version.distribution.dataset
    actor = access.require(actor, Permission.DISCLOSURE_OVERRULE, dataset)
    if not reason.strip():
        message = _("Say why nobody can be told apart; reviewers and auditors read it.")
        raise InvalidInput(message, fields={"reason": [message]})
    report = DisclosureReport.objects.select_for_update().get(pk=report.pk)
    if is_enough(report):
        raise WrongState
    report.overruled_by, report.reason = actor.user, reason.strip()[:500]
    report.save(update_fields=["overruled_by", "reason"])
    data = {"k": report.k, "at_risk": report.at_risk, "reason": report.reason}
    record.append(stream=record.stream_of(dataset), verb="disclosure.overruled", actor=actor, data=data)
