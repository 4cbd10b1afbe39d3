"""What a department's merger, split or end means for requests, their steps, and grants."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from portal.access import Actor
from portal.audit import record
from portal.departments.duties import duty_group
from portal.departments.models import Department, Duty
from portal.departments.moving import Line, Move
from sharing.models import ApprovalStep, Credential, Extension, Grant, RequestState, SharingRequest, StepItem

OPEN_STATES = (RequestState.DRAFT, RequestState.IN_REVIEW, RequestState.RETURNED, RequestState.OFFERED)
OPEN = Q(state__in=OPEN_STATES)


def _requests(move: Move) -> QuerySet[SharingRequest]:
    rows = SharingRequest.objects.filter(department=move.source)
    return rows if move.requests is None else rows.filter(pk__in=move.requests)


def _grants(move: Move) -> QuerySet[Grant]:
    """Grants of the requests that go; those of the whole department when it ends."""
    rows = Grant.objects.filter(department=move.source)
    return rows if move.requests is None else rows.filter(item__request__in=move.requests)


def _steps(move: Move) -> QuerySet[ApprovalStep]:
    """The steps of the department's offices in open requests; decided ones too, because a changed item reopens them.

    Of a part that is split off, a lane's step goes when all its datasets go: one office cannot decide half a step.
    """
    steps = ApprovalStep.objects.filter(department=move.source, request__state__in=OPEN_STATES)
    if move.datasets is None:
        return steps
    own = Q(lane__isnull=True, duty=Duty.OWN_APPROVER, request__in=move.requests or ())
    return steps.filter(own | Q(pk__in=_lanes(move).values("pk")))


def _lanes(move: Move) -> QuerySet[ApprovalStep]:
    """Steps, of any office, in the lanes of the datasets that go, in requests that are still open."""
    steps = ApprovalStep.objects.filter(lane=move.source, request__state__in=OPEN_STATES)
    if move.datasets is None:
        return steps
    entries = StepItem.objects.filter(step=OuterRef("pk"))
    staying = entries.exclude(item__dataset__in=move.datasets)
    return steps.filter(Exists(entries), ~Exists(staying))


def _credentials(move: Move) -> QuerySet[Credential]:
    return Credential.objects.filter(grant__in=_grants(move), revoked_at__isnull=True)


class SharingMover:
    """Requests, steps of open ones, grants and their keys; closed requests keep the offices that decided."""

    def preview(self, move: Move) -> list[Line]:
        requests = _requests(move)
        titles = tuple(requests.filter(OPEN).order_by("title").values_list("title", flat=True)[:20])
        return [
            Line("requests_open", _("Open requests"), requests.filter(OPEN).count(), titles),
            Line("requests_closed", _("Closed requests"), requests.exclude(OPEN).count()),
            Line("steps", _("Approval steps of open requests"), _steps(move).count()),
            Line("grants", _("Grants"), _grants(move).count()),
            Line("credentials", _("Access keys (they keep working)"), _credentials(move).count()),
        ]

    def choices(self, department: Department) -> dict[str, list[tuple[str, str]]]:
        rows = SharingRequest.objects.filter(department=department).order_by("-modified", "pk")
        return {"requests": [(str(row.pk), str(row)) for row in rows]}

    def blockers(self, moves: list[Move]) -> list[str]:
        return []

    def apply(self, move: Move, actor: Actor) -> dict[str, int]:
        assert move.target is not None
        keys = _credentials(move).count()
        mine = Q(pk__in=_requests(move).values("pk")) | Q(pk__in=_steps(move).values("request"))
        locked = list(SharingRequest.objects.filter(mine).select_for_update(of=("self",)).order_by("pk"))
        chosen = set(_requests(move).values_list("pk", flat=True))
        requests = [request for request in locked if request.pk in chosen]
        is_open = [request for request in requests if request.state in OPEN_STATES]
        grants = list(_grants(move).select_for_update().order_by("pk"))
        steps = list(_steps(move).select_for_update(of=("self",)).order_by("pk"))
        self._relabel_lanes(move)
        names = {"from": move.source.name, "to": move.target.name}
        self._hand_over_steps(steps, move.target)
        SharingRequest.objects.filter(pk__in=[r.pk for r in requests]).update(department=move.target)
        Grant.objects.filter(pk__in=[g.pk for g in grants]).update(department=move.target)
        if move.requests is None:
            SharingRequest.objects.filter(filed_by_department=move.source).update(filed_by_department=move.target)
            Extension.objects.waiting().filter(authority=move.source).update(authority=move.target)
        streams = {f"sharingrequest:{step.request_id}" for step in steps}
        for stream in sorted(streams | {record.stream_of(request) for request in requests}):
            record.append(stream=stream, verb="request.moved", actor=actor, data=names)
        for grant in grants:
            record.append(stream=record.stream_of(grant), verb="grant.moved", actor=actor, data=names)
        return {
            "requests_open": len(is_open),
            "requests_closed": len(requests) - len(is_open),
            "steps": len(steps),
            "grants": len(grants),
            "credentials": keys,
        }

    def _relabel_lanes(self, move: Move) -> None:
        """Put the lanes under the new provider, except where it has a lane of the same stage in the request already."""
        same = ApprovalStep.objects.filter(request=OuterRef("request"), stage=OuterRef("stage"), lane=move.target)
        ids = list(_lanes(move).exclude(Exists(same)).values_list("pk", flat=True))
        ApprovalStep.objects.filter(pk__in=ids).update(lane=move.target)

    def _hand_over_steps(self, steps: list[ApprovalStep], target: Department) -> None:
        """The step's version rises, so that a decision made on the old page is refused and looked at again."""
        for step in steps:
            step.department = target
            step.office = duty_group(target, step.duty)
            step.version += 1
        ApprovalStep.objects.bulk_update(steps, ["department", "office", "version"], batch_size=500)
