"""Who may do what with catalogue records; ``reader_groups`` and ``may_view`` give the same answer in two forms."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.models import (
    DataItem,
    Dataset,
    DatasetGroupObjectPermission,
    DatasetState,
    OpenType,
    Sensitivity,
    SharingType,
)
from catalog.protection.masking import Audience, item_masks
from portal.access import CIVIL_SERVANTS, EVERYONE, Actor, Permission, Standing, rule
from portal.departments.duties import duty_groups
from portal.departments.models import AUTHORITY_DUTIES, Department, Duty

REVIEW_DUTIES = (Duty.OWN_APPROVER, Duty.PROVIDER_APPROVER)


def reviewing_authority(dataset: Dataset) -> Department | None:
    """The data authority that checks the provider's records."""
    return Department.objects.authority_for(dataset.provider.region)


def reader_groups(dataset: Dataset) -> list[int]:
    """The groups, pseudo groups included, that may see ``dataset``; kept on its search row."""
    groups = set(
        DatasetGroupObjectPermission.objects.filter(
            content_object=dataset, permission__codename="view_dataset"
        ).values_list("group_id", flat=True)
    )
    departments = [dataset.provider]
    if dataset.state in (DatasetState.AUTHORITY_REVIEW, DatasetState.PUBLISHED, DatasetState.WITHDRAWN):
        authority = reviewing_authority(dataset)
        departments += [authority] if authority else []
    groups.update(duty_groups(departments))
    if dataset.is_published:
        groups.add(CIVIL_SERVANTS)
    if dataset.is_open:
        groups.add(EVERYONE)
    return sorted(groups)


def _is_public(standing: Standing, dataset: Dataset) -> bool:
    return dataset.is_open


def _is_for_civil_servants(standing: Standing, dataset: Dataset) -> bool:
    return dataset.is_published and bool(standing.duties)


def _is_own(standing: Standing, dataset: Dataset) -> bool:
    return standing.holds(dataset.provider_id)


def _has_exception(standing: Standing, dataset: Dataset) -> bool:
    return DatasetGroupObjectPermission.objects.filter(
        content_object=dataset, permission__codename="view_dataset", group__in=standing.group_ids
    ).exists()


def _is_its_authority(standing: Standing, dataset: Dataset) -> bool:
    """Whether the dataset lies with a data authority, for its review or after withdrawal, in which a duty is held."""
    if dataset.state not in (DatasetState.AUTHORITY_REVIEW, DatasetState.WITHDRAWN):
        return False
    authority = reviewing_authority(dataset)
    return authority is not None and standing.holds(authority.pk)


VIEW_RULES = (
    ("public", _is_public),
    ("civil_servants", _is_for_civil_servants),
    ("provider", _is_own),
    ("authority", _is_its_authority),
    ("exception", _has_exception),
)
"""Who may see a record, by name and in the order in which it is asked; one that holds is enough."""


@rule(Permission.DATASET_VIEW)
def may_view(actor: Actor, dataset: Dataset) -> bool:
    """Published records: every civil servant, and the public when open. Others: the provider, and the authority from
    its review on. Beside that, groups with an exception."""
    return any(holds(actor.standing, dataset) for _name, holds in VIEW_RULES)


@rule(Permission.DATASET_CREATE)
def may_create(actor: Actor, department: Department | None) -> bool:
    """The department's cataloguers; its data authority may bring it drafts, which its cataloguers then complete."""
    departments = actor.standing.departments_with(Duty.CATALOGUER)
    if department is None:
        return bool(departments)
    return department.pk in departments or _is_authority_over(actor, department)


def _is_authority_over(actor: Actor, department: Department) -> bool:
    """Whether the actor holds a duty in an authority whose region the department lies in."""
    offices = actor.standing.departments_with(*AUTHORITY_DUTIES)
    if not offices:
        return False
    codes = department.region.path_codes
    return Department.objects.filter(pk__in=offices, region__in=codes).exists()


@rule(Permission.RECORD_IMPORT)
def may_import_records(actor: Actor, obj: object) -> bool:
    """Load a workbook of records: cataloguers, and data authorities for their departments."""
    return bool(actor.standing.departments_with(Duty.CATALOGUER, *AUTHORITY_DUTIES))


@rule(Permission.DATASET_EDIT, Permission.DATASET_SUBMIT)
def may_edit(actor: Actor, dataset: Dataset) -> bool:
    """Cataloguers of the provider; the state is the command's business."""
    return actor.is_system or actor.standing.holds(dataset.provider_id, Duty.CATALOGUER)


@rule(Permission.DATASET_REVIEW)
def may_review(actor: Actor, dataset: Dataset) -> bool:
    """The provider's approvers, then the authority; never who submitted it, nor one person at both stages."""
    work = dataset.work
    if actor.user_id is None or actor.people_ids & {work.submitted_by_id, work.reviewed_by_id}:
        return False
    if work.state == DatasetState.DEPARTMENT_REVIEW:
        return actor.standing.holds(dataset.provider_id, *REVIEW_DUTIES)
    if work.state == DatasetState.AUTHORITY_REVIEW:
        authority = reviewing_authority(dataset)
        return authority is not None and actor.standing.holds(authority.pk, *AUTHORITY_DUTIES)
    return False


@rule(Permission.DATASET_VERSIONS)
def may_see_versions(actor: Actor, dataset: Dataset) -> bool:
    """What is being written, and all older versions: the provider, and the authority that reviews its records."""
    if actor.is_system or actor.standing.holds(dataset.provider_id):
        return True
    if dataset.state in (DatasetState.DRAFT, DatasetState.DEPARTMENT_REVIEW):
        return False
    authority = reviewing_authority(dataset)
    return authority is not None and actor.standing.holds(authority.pk, *AUTHORITY_DUTIES)


@rule(Permission.DATASET_WITHDRAW)
def may_withdraw(actor: Actor, dataset: Dataset) -> bool:
    if actor.standing.holds(dataset.provider_id, *REVIEW_DUTIES):
        return True
    authority = reviewing_authority(dataset)
    return authority is not None and actor.standing.holds(authority.pk, *AUTHORITY_DUTIES)


@rule(Permission.DATASET_PREVIEW)
def may_preview(actor: Actor, dataset: Dataset) -> bool:
    return bool(preview(actor, dataset).columns)


@dataclass(frozen=True)
class Preview:
    """What somebody may read of a table without a grant: columns, and for whom their values are masked."""

    columns: list[str]
    audience: Audience


def preview(actor: Actor, dataset: Dataset) -> Preview:
    """The columns whose rows ``actor`` may read on the catalogue's pages, without a grant.

    The provider and the authority that reviews it see all; other civil servants the items of an unconditionally shared
    dataset that hold no personal data; the public the open items of an open one.
    """
    items = DataItem.objects.filter(dataset=dataset).order_by("position", "id")
    standing = actor.standing
    if standing.holds(dataset.provider_id) or _is_its_authority(standing, dataset):
        return Preview(list(items.values_list("column", flat=True)), Audience.PROVIDER)
    if dataset.is_published and dataset.sharing_type == SharingType.UNCONDITIONAL and standing.duties:
        items = items.exclude(sharing_type=SharingType.NOT_SHARED).filter(sensitivity=Sensitivity.NONE)
        return Preview(list(items.values_list("column", flat=True)), Audience.SHARING)
    return Preview(open_columns(dataset), Audience.PUBLIC)


def previewable_columns(actor: Actor, dataset: Dataset) -> list[str]:
    """The columns whose values ``actor`` may read as they are, without a grant: none of those that are masked."""
    seen = preview(actor, dataset)
    masked = item_masks(dataset.pk, seen.audience)
    return [name for name in seen.columns if name not in masked]


def open_columns(dataset: Dataset) -> list[str]:
    """The columns that the public may read: open items of an open dataset."""
    if not dataset.is_open:
        return []
    items = DataItem.objects.filter(dataset=dataset, open_type=OpenType.OPEN).order_by("position", "id")
    return list(items.values_list("column", flat=True))


@rule(Permission.DISCLOSURE_OVERRULE)
def may_overrule_disclosure(actor: Actor, dataset: Dataset) -> bool:
    """The provider's security officers."""
    return actor.standing.holds(dataset.provider_id, Duty.SECURITY_OFFICER)


@rule(Permission.DATASET_IMPORT)
def may_import(actor: Actor, obj: object) -> bool:
    """The portal itself, from a harvest or a command."""
    return actor.is_system


@rule(Permission.DATASET_EXCEPT)
def may_except(actor: Actor, dataset: Dataset) -> bool:
    """Give exceptions and see who sees a record and why: who answers for it, and the security administrator."""
    if actor.standing.admin_role == "security":
        return True
    return actor.standing.holds(dataset.provider_id, Duty.PROVIDER_APPROVER, Duty.SECURITY_OFFICER)
