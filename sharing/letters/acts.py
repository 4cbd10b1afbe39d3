"""Issuing letters when a request, or a provider's part of it, has its answers; and confirming agreements."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.codes import next_serial
from portal import access
from portal.access import Actor, Permission
from portal.audit import hashing, record
from portal.departments.duties import holders
from portal.departments.models import Department, Duty
from portal.errors import WrongState
from portal.notices.models import NoticeKind
from portal.notices.send import notify
from sharing import workflow
from sharing.flow import told_of
from sharing.letters import content
from sharing.models import ItemState, Letter, LetterKind, RequestItem, RequestState, SharingRequest
from sharing.outside import telling

PREFIXES = {LetterKind.DECISION: "JD", LetterKind.AGREEMENT: "XY"}


def digest_of(body: dict[str, Any]) -> str:
    """SHA-256 (hex) over the canonical JSON of a letter's content."""
    plain = json.loads(json.dumps(body, cls=DjangoJSONEncoder))
    return hashlib.sha256(hashing.canonical(plain)).hexdigest()


@transaction.atomic
def issue_for(request_id: UUID) -> list[Letter]:
    """The letters that a request needs now and does not have; doing it again makes none.

    A decision letter when every item has its answer, and another when an answer changed since; an agreement with each
    provider all of whose items are answered, over those it granted that no agreement covers yet. Somebody outside
    gets the agreement over each grant as it comes: without it they cannot use the data.
    """
    request = workflow.lock(request_id)
    related = "dataset__provider__region", "grant"
    items = list(request.items.select_related(*related).prefetch_related("dataset__items").order_by("id"))
    for item in items:
        item.request = request
    letters = [_issue(LetterKind.DECISION, request, None, items)] if _needs_decision(request, items) else []
    covered = set(request.letters.filter(kind=LetterKind.AGREEMENT).values_list("items", flat=True))
    by_provider: dict[Department, list[RequestItem]] = {}
    for item in items:
        by_provider.setdefault(item.dataset.provider, []).append(item)
    for provider, theirs in by_provider.items():
        new = [item for item in theirs if item.state == ItemState.APPROVED and item.pk not in covered]
        if new and (request.is_outside or all(item.is_answered for item in theirs)):
            letters.append(_issue(LetterKind.AGREEMENT, request, provider, new))
    return letters


def _needs_decision(request: SharingRequest, items: Sequence[RequestItem]) -> bool:
    if request.state != RequestState.COMPLETED:
        return False
    last = request.letters.filter(kind=LetterKind.DECISION).first()
    said = {row["dataset"]: row["state"] for row in last.content["items"]} if last else {}
    return said != {str(item.dataset_id): item.state for item in items}


def _issue(
    kind: LetterKind, request: SharingRequest, provider: Department | None, items: Sequence[RequestItem]
) -> Letter:
    now = timezone.localtime()
    start = f"{PREFIXES[kind]}{now:%Y}"
    number = f"{start}{next_serial(start):06d}"
    body = content.build(kind=kind, number=number, request=request, provider=provider, items=items)
    letter = Letter.objects.create(
        number=number,
        kind=kind,
        request=request,
        provider=provider,
        content=body,
        digest=digest_of(body),
        issued_at=now,
    )
    letter.items.set(items)
    data = {"letter": number, "kind": kind, "sha256": letter.digest, "provider": provider.name if provider else ""}
    for obj in (letter, request):
        record.append(stream=record.stream_of(obj), verb="letter.issued", actor=Actor.system(), data=data)
    _tell(letter)
    return letter


def _tell(letter: Letter) -> None:
    request, data = letter.request, {"number": letter.number, "title": letter.request.title}
    url = letter.get_absolute_url()
    if letter.provider:
        telling.changed([request])
    notify(told_of(request), NoticeKind.LETTER_ISSUED, url=url, data=data, department=request.department)
    if letter.provider:
        people = holders(letter.provider, Duty.PROVIDER_APPROVER)
        notify(people, NoticeKind.LETTER_ISSUED, url=url, data=data, department=letter.provider)


@transaction.atomic
def confirm(*, letter: Letter, actor: Actor) -> Letter:
    """Confirm an agreement for one's side, with its hash in the record (双方确认).

    Raises:
        NotPermitted: for neither side. WrongState: a decision letter, or confirmed already.
    """
    related = "request__department", "provider"
    letter = Letter.objects.select_for_update(of=("self",)).select_related(*related).get(pk=letter.pk)
    actor = access.require(actor, Permission.LETTER_CONFIRM, letter)
    side = side_of(letter, actor)
    if side is None or getattr(letter, f"{side}_confirmed_at"):
        raise WrongState(_("This is confirmed already."))
    setattr(letter, f"{side}_confirmed_by", actor.user)
    setattr(letter, f"{side}_confirmed_at", timezone.now())
    letter.save(update_fields=[f"{side}_confirmed_by", f"{side}_confirmed_at"])
    data = {"letter": letter.number, "side": side, "sha256": letter.digest}
    for obj in (letter, letter.request):
        record.append(stream=record.stream_of(obj), verb="letter.confirmed", actor=actor, data=data)
    return letter


def is_applicant(letter: Letter, actor: Actor) -> bool:
    """Whether ``actor`` stands for the applicant: in its department, or from outside the applicant themselves."""
    if letter.request.is_outside:
        return actor.outside == letter.request_id
    return actor.standing.holds(letter.request.department_id, Duty.OWN_APPROVER, Duty.APPLICANT)


def side_of(letter: Letter, actor: Actor) -> str | None:
    """``applicant`` or ``provider``: the side for which somebody can confirm now; None when there is none left."""
    standing = actor.standing
    if letter.kind != LetterKind.AGREEMENT or letter.provider_id is None:
        return None
    if is_applicant(letter, actor) and not letter.applicant_confirmed_at:
        return "applicant"
    if standing.holds(letter.provider_id, Duty.PROVIDER_APPROVER) and not letter.provider_confirmed_at:
        return "provider"
    return None
