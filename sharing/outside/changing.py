"""What it means for applications from outside that a dataset is not open conditionally any more."""

from __future__ import annotations

from django.utils.translation import gettext as _

from catalog.documents import Document
from catalog.models import Dataset, Grade, OpenType
from portal.access import Actor
from sharing import grants, workflow
from sharing.models import ApplicantKind, Grant, GrantState, ItemState, RequestItem


def dataset_revised(dataset: Dataset, before: Document, actor: Actor) -> None:
    """Close what is applied for in vain; suspend what was granted of data that are not open at all any more.

    Called by ``catalog.lifecycle`` in the transaction that makes the revision public.
    """
    if dataset.is_conditionally_open:
        return
    if dataset.open_type == OpenType.OPEN:
        reason = _("The dataset is open to everyone now; it can be had without an application.")
    else:
        reason = _("The provider does not open the dataset conditionally any more.")
    rows = RequestItem.objects.filter(dataset=dataset, state__in=ItemState.undecided())
    rows = rows.exclude(request__applicant_kind=ApplicantKind.DEPARTMENT)
    for item in rows.order_by("request_id"):
        workflow.close_item(item=item, actor=actor, reason=reason)
    if dataset.open_type == OpenType.NOT_OPEN or dataset.grade >= Grade.HIGHLY_SENSITIVE:
        active = Grant.objects.filter(dataset=dataset, state=GrantState.ACTIVE, outside__isnull=False)
        for grant in active.order_by("id"):
            grants.suspend(grant=grant, actor=Actor.system(), reason=reason)
