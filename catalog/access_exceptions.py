"""Giving, ending and running out of exceptions; the guardian right, the search row and the event go together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from guardian.shortcuts import assign_perm, remove_perm

from catalog import search
from catalog.models import AccessException, Dataset
from portal import access
from portal.access import Actor, Permission
from portal.audit import record
from portal.departments.duties import duty_group
from portal.departments.models import Department, Membership
from portal.errors import InvalidInput
from portal.rights.review import Right

LONGEST_DAYS = 366
"""An exception is looked at again every year."""


@transaction.atomic
def give(
    *, dataset: Dataset, department: Department, duty: str, valid_until: dt.date, reason: str, actor: Actor
) -> AccessException:
    """Let the holders of ``duty`` in ``department`` see ``dataset`` until the end of a day.

    Raises:
        NotPermitted: the actor neither answers for the dataset nor is the security administrator.
        InvalidInput: no reason, a term that is over or longer than a year, or the duty has this exception already.
    """
    dataset = Dataset.objects.select_for_update(of=("self",)).select_related("provider__region").get(pk=dataset.pk)
    actor = access.require(actor, Permission.DATASET_EXCEPT, dataset)
    assert actor.user is not None
    today = timezone.localdate()
    if not reason.strip():
        raise InvalidInput(fields={"reason": [_("Say why the rules are not enough here.")]})
    if valid_until < today:
        raise InvalidInput(fields={"valid_until": [_("The term is over already.")]})
    if (valid_until - today).days > LONGEST_DAYS:
        raise InvalidInput(fields={"valid_until": [_("An exception lasts a year at most; give it again then.")]})
    group = duty_group(department, duty)
    if AccessException.objects.standing().filter(dataset=dataset, group=group).exists():
        raise InvalidInput(fields={"duty": [_("The holders of this duty have an exception already. End that first.")]})
    exception = AccessException.objects.create(
        dataset=dataset,
        department=department,
        duty=duty,
        group=group,
        valid_until=valid_until,
        reason=reason.strip(),
        given_by=actor.user,
    )
    assign_perm("view_dataset", group, dataset)
    _record(exception, "exception.given", actor, until=valid_until.isoformat(), reason=exception.reason)
    return exception


@transaction.atomic
def end(*, exception: AccessException, actor: Actor) -> None:
    """Take an exception back at once. Ending it again changes nothing."""
    dataset = Dataset.objects.select_for_update(of=("self",)).get(pk=exception.dataset_id)
    actor = actor if actor.is_system else access.require(actor, Permission.DATASET_EXCEPT, dataset)
    exception = AccessException.objects.select_for_update(of=("self",)).select_related("dataset").get(pk=exception.pk)
    if exception.ended_at:
        return
    exception.ended_at = timezone.now()
    exception.save(update_fields=["ended_at"])
    remove_perm("view_dataset", exception.group, dataset)
    _record(exception, "exception.ended" if actor.user else "exception.expired", actor)


def expire() -> int:
    """End every exception whose last day has passed; returns how many. Safe to run at any time."""
    ended = 0
    for exception in AccessException.objects.expired().select_related("dataset")[:1_000]:
        end(exception=exception, actor=Actor.system())
        ended += 1
    return ended


def _record(exception: AccessException, verb: str, actor: Actor, **data: str) -> None:
    data |= {"department": exception.department.name, "duty": exception.duty}
    record.append(stream=record.stream_of(exception.dataset), verb=verb, actor=actor, data=data)
    search.index([exception.dataset_id])


def rights() -> Iterator[Right]:
    """Everybody's exceptions, for the review of rights."""
    standing = AccessException.objects.standing().select_related("dataset", "given_by")
    holders: dict[tuple[object, str], list[Membership]] = {}
    departments = standing.values("department")
    for row in Membership.objects.current().filter(department__in=departments).select_related("user"):
        holders.setdefault((row.department_id, row.duty), []).append(row)
    for e in standing.order_by("id"):
        for row in holders.get((e.department_id, e.duty), []):
            until = e.valid_until.isoformat()
            yield Right(
                row.user.username,
                row.user.name,
                "exception",
                e.dataset.code,
                e.dataset.title,
                "dataset.view",
                until,
                e.given_by.username,
            )
