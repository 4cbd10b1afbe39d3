"""The whole file of a request (档案): what was asked, decided, said and issued, with its record and the proof of it."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from portal.access import Actor
from portal.audit import checkpoints, hashing
from portal.audit.models import Event
from portal.audit.record import body_of, stream_of
from portal.errors import WrongState
from sharing import history
from sharing.models import Dispute, ItemState, Letter, SharingRequest, StepItem
from sharing.questions.asked import Asked
from sharing.questions.queries import answers_for
from sharing.terms import content_of
from sharing.thread.queries import talk_on

EVENT_LIMIT = 5_000


def build(request: SharingRequest, actor: Actor) -> dict[str, Any]:
    """The file as ``actor`` may read it, as JSON: internal notes and opinions only for those who see them."""
    return {
        "exported_at": timezone.localtime().isoformat(timespec="seconds"),
        "request": _request(request),
        "items": [_item(item) for item in request.items.select_related("dataset__provider", "request")],
        "answers": [_answers(asked) for asked in answers_for(request, actor)],
        "steps": _steps(request),
        "talk": [_talk(entry) for entry in talk_on(request, actor)],
        "disputes": [_dispute(dispute) for dispute in _disputes(request, actor)],
        "letters": [_letter(letter) for letter in request.letters.readable_by(actor.standing).distinct()],
        "timeline": [
            {"at": line.at.isoformat(timespec="seconds"), "who": line.who, "what": line.sentence}
            for line in reversed(history.lines(stream_of(request)))
        ],
        "record": _record(request),
    }


def _request(request: SharingRequest) -> dict[str, Any]:
    plain = ("number", "title", "purpose", "legal_basis", "scenario", "scope_of_use", "channels", "frequency", "state")
    return {name: getattr(request, name) for name in plain} | {
        "id": str(request.pk),
        "applicant": request.applicant_name,
        "applicant_kind": request.applicant_kind,
        "filed_by": str(request.created_by) if request.created_by else None,
        "is_cross_border": request.is_cross_border,
        "valid_until": request.valid_until.isoformat(),
        "submitted_at": request.submitted_at.isoformat() if request.submitted_at else None,
        "completed_at": request.completed_at.isoformat() if request.completed_at else None,
        "route": str(request.route_version) if request.route_version else None,
    }


def _answers(asked: Asked) -> dict[str, Any]:
    """One provider's questions in the version that was answered; files by name and hash."""
    hashes = {file.key: file.sha256 for file in asked.answers.files.all()} if asked.answers else {}
    return {
        "form": str(asked.form.pk),
        "title": asked.form.title,
        "department": asked.form.department.name,
        "version": asked.version.number,
        "answers": [
            {"key": question.key, "question": question.label, "value": value, "answer": words}
            | ({"sha256": hashes[question.key]} if question.key in hashes else {})
            for question, value, words in asked.lines
        ],
    }


def _item(item: Any) -> dict[str, Any]:
    found = {
        "id": str(item.pk),
        "dataset": str(item.dataset_id),
        "title": item.dataset.title,
        "provider": item.dataset.provider.name,
        "columns": item.columns,
        "row_filter": item.row_filter,
        "state": item.state,
        "refusal_reason": item.refusal_reason,
        "answer": item.answer,
        "terms": item.terms,
    }
    if item.state == ItemState.APPROVED:
        granted = content_of(item)
        found["granted"] = {"columns": granted.columns, "rows": granted.row_filter, "masks": granted.masks}
    return found


def _steps(request: SharingRequest) -> list[dict[str, Any]]:
    entries: dict[Any, list[dict[str, Any]]] = {}
    rows = StepItem.objects.filter(step__request=request).exclude(verdict="").order_by("decided_at", "id")
    for entry in rows.select_related("decided_by", "decided_for"):
        decision = {
            "item": str(entry.item_id),
            "verdict": entry.verdict,
            "reason": entry.reason,
            "note": entry.note,
            "terms": entry.terms,
            "by": str(entry.decided_by),
            "on_behalf_of": str(entry.decided_for) if entry.decided_for else None,
            "at": entry.decided_at.isoformat(timespec="seconds") if entry.decided_at else None,
        }
        entries.setdefault(entry.step_id, []).append(decision)
    return [
        {
            "stage": step.stage,
            "title": step.title,
            "office": step.department.name,
            "duty": step.duty,
            "lane": step.lane.name if step.lane else None,
            "state": step.state,
            "opened_at": step.opened_at.isoformat(timespec="seconds") if step.opened_at else None,
            "decided_at": step.decided_at.isoformat(timespec="seconds") if step.decided_at else None,
            "working_days": step.working_days,
            "days_used": step.days_used,
            "decisions": entries.get(step.pk, []),
        }
        for step in request.steps.select_related("department", "lane").order_by("order", "id")
    ]


def _talk(entry: Any) -> dict[str, Any]:
    at = entry.at.isoformat(timespec="seconds")
    if entry.note:
        return {"at": at, "kind": "note", "by": str(entry.note.author), "text": entry.note.text}
    enquiry = entry.enquiry
    return {
        "at": at,
        "kind": enquiry.kind,
        "by": str(enquiry.asked_by),
        "office": enquiry.step.department.name,
        "text": enquiry.text,
        "stops_clock": enquiry.stops_clock,
        "answer": enquiry.answer,
        "answered_by": str(enquiry.answered_by) if enquiry.answered_by else None,
    }


def _disputes(request: SharingRequest, actor: Actor) -> list[Dispute]:
    rows = Dispute.objects.readable_by(actor.standing).filter(item__request=request).distinct()
    return list(rows.prefetch_related("statements__department", "statements__author"))


def _dispute(dispute: Dispute) -> dict[str, Any]:
    return {
        "number": dispute.number,
        "item": str(dispute.item_id),
        "stage": dispute.stage,
        "outcome": dispute.outcome,
        "note": dispute.outcome_note,
        "statements": [
            {"at": s.at.isoformat(timespec="seconds"), "for": s.side, "by": str(s.author or s.side), "text": s.text}
            for s in dispute.statements.all()
        ],
    }


def _letter(letter: Letter) -> dict[str, Any]:
    return {"number": letter.number, "kind": letter.kind, "sha256": letter.digest, "content": letter.content}


def _record(request: SharingRequest) -> dict[str, Any]:
    """The events as they were hashed, each naming the hash before it, and the proof that the first is sealed."""
    events = list(Event.objects.of(stream_of(request)).order_by("seq")[:EVENT_LIMIT])
    try:
        proof = checkpoints.proof(events[0]) if events else None
    except WrongState:
        proof = None
    return {
        "stream": stream_of(request),
        "events": [
            {"algorithm": e.algorithm, "hash": e.hash, "body": hashing.canonical(body_of(e)).decode()} for e in events
        ],
        "head": events[-1].hash if events else "",
        "proof": proof,
    }
