"""Settling a dispute: its record, who is told, and what becomes of one whose subject is gone."""

from __future__ import annotations

from django.utils import timezone

from portal.access import Actor
from portal.accounts.models import User
from portal.audit import record
from portal.departments.duties import holders
from portal.departments.models import Department
from portal.notices.models import NoticeKind
from portal.notices.send import notify
from sharing.flow import told_of
from sharing.models import Dispute, DisputeOutcome, DisputeStage, RequestItem
from sharing.outside import telling


def log(dispute: Dispute, verb: str, actor: Actor, **data: object) -> None:
    """One event of the dispute, with its stage and outcome."""
    data |= {"number": dispute.number, "stage": dispute.stage, "outcome": dispute.outcome}
    record.append(stream=record.stream_of(dispute), verb=verb, actor=actor, data=data)


def office_people(dispute: Dispute) -> list[User]:
    """Who answers for the office whose decision is contested."""
    return holders(dispute.step.department, dispute.step.duty)


def tell(dispute: Dispute, people: list[User], kind: NoticeKind, note: str, department: Department) -> None:
    """A notice to ``people``, with the beginning of ``note``."""
    data = {"number": dispute.number, "title": dispute.item.dataset.title, "note": note[:200]}
    notify(people, kind, url=dispute.get_absolute_url(), data=data, department=department)


def tell_parties(dispute: Dispute, note: str) -> None:
    """A notice of news to the applicant and to the office."""
    request = dispute.item.request
    telling.changed([request])
    tell(dispute, told_of(request), NoticeKind.DISPUTE_CHANGED, note, request.department)
    tell(dispute, office_people(dispute), NoticeKind.DISPUTE_CHANGED, note, dispute.step.department)


def settle_as(dispute: Dispute, outcome: DisputeOutcome, actor: Actor, text: str) -> Dispute:
    """End the dispute with this outcome and tell both sides."""
    dispute.stage, dispute.outcome, dispute.outcome_note = DisputeStage.SETTLED, outcome, text
    dispute.settled_at, dispute.settled_by = timezone.now(), actor.user
    dispute.set_term(None)
    dispute.save()
    log(dispute, "dispute.settled", actor, note=text)
    tell_parties(dispute, f"{outcome.label} {text}")
    return dispute


def lapse(item: RequestItem, *, actor: Actor, note: str) -> None:
    """Settle the open dispute over ``item``, because what was contested does not stand any more.

    The caller holds the lock on the request.
    """
    related = ("item__request__department", "item__dataset", "step__department")
    for dispute in Dispute.objects.exclude(stage=DisputeStage.SETTLED).filter(item=item).select_related(*related):
        settle_as(dispute, DisputeOutcome.LAPSED, actor, note)
