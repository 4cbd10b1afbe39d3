"""What stands behind an applicant's secret link: how it stands, what they are asked, and what is granted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from catalog.models import Channel
from catalog.opendata.views import count_download
from catalog.tables.export import formats_of
from catalog.tables.filters import describe
from portal import access
from portal.access import Actor, Permission
from portal.addresses import address_of
from portal.errors import InvalidInput, PortalError
from portal.uploads import takes_files_of_everybody
from portal.views import clean_text, posted_version
from sharing import grants, workflow
from sharing.citizens import private
from sharing.delivery.download import export
from sharing.delivery.gate import open_grant
from sharing.disputes import acts as disputes
from sharing.letters import acts as letters
from sharing.letters.printing import pdf
from sharing.letters.views import letter_context
from sharing.models import Credential, Dispute, Enquiry, EnquiryKind, Grant, LetterKind, RequestState, SharingRequest
from sharing.outside import acts, opening, queries
from sharing.outside.forms import ItemsForm, UseForm
from sharing.outside.tokens import follow_path, is_valid, token_of
from sharing.supervision.figures import expected_day
from sharing.thread import acts as thread
from sharing.views.requests import item_rows

USAGE_ROWS = 20


def application_or_404(pk: UUID, token: str) -> tuple[SharingRequest, Actor]:
    """The application of a secret link, and its applicant."""
    if not is_valid(pk, token):
        raise Http404
    rows = SharingRequest.objects.from_outside().select_related("outside", "department__region", "route_version")
    return get_object_or_404(rows, pk=pk), Actor.holder_of(pk)


def _grant_rows(found: SharingRequest, request: HttpRequest) -> list[dict[str, Any]]:
    """What is granted, with keys, files and use."""
    rows = []
    agreements = found.letters.filter(kind=LetterKind.AGREEMENT).order_by("issued_at", "id")
    held = Grant.objects.filter(outside=found.pk).select_related("dataset__provider", "item__request", "department")
    for grant in held.order_by("created_at", "id"):
        fields = {item.column: item for item in grant.dataset.items.all()}
        row: dict[str, Any] = {
            "grant": grant,
            "fields": [fields[column] for column in grant.columns if column in fields],
            "rows": describe(grant.row_filter, {column: item.name for column, item in fields.items()}),
            "key": str(grant.pk),
            "is_agreed": opening.has_agreement(grant),
            "letter": agreements.filter(items=grant.item_id).last(),
            "keys": list(grant.credentials.all()),
            "usage": list(grant.usage.select_related("credential").order_by("-at")[:USAGE_ROWS]),
            "api_url": request.build_absolute_uri(reverse("api:data-rows", args=[grant.pk])),
        }
        if grant.is_in_force and row["is_agreed"]:
            try:
                row["formats"] = formats_of(open_grant(grant, Channel.FILE).columns)
            except PortalError as error:
                row["error"] = error
        rows.append(row)
    return rows


def _form(found: SharingRequest, request: HttpRequest, rows: list[dict[str, Any]]) -> UseForm | None:
    """The form of what was returned; None where nothing was."""
    if found.state != RequestState.RETURNED:
        return None
    returned = [row["item"] for row in rows if row["item"].state == "returned"]
    offered = queries.items_by_dataset([item.dataset for item in returned])
    choices = [(f"columns-{i.pk}", i.dataset, offered.get(i.dataset_id, []), i.columns) for i in returned]
    is_sent = request.method == "POST" and request.POST.get("act") == "resubmit"
    data: Any = (request.POST, request.FILES) if is_sent else (None, None)
    if not acts.may_change_use(found):
        return ItemsForm(*data, choices=choices)
    names = ("title", "scenario", "scope_of_use", "valid_until")
    initial = {name: getattr(found, name) for name in names}
    initial |= {"purpose": found.outside.purpose, "safeguards": found.outside.safeguards}
    return UseForm(*data, choices=choices, initial=initial)


def _context(request: HttpRequest, found: SharingRequest) -> dict[str, Any]:
    rows = item_rows(found)
    for row in rows:
        row["may_object"] = disputes.may_open(row["item"])
        row["appeal_until"] = disputes.appeal_until(row["dispute"]) if row["dispute"] else None
    steps = list(found.steps.select_related("department").order_by("order", "id"))
    steps.sort(key=lambda step: (step.lane_id is not None, str(step.lane_id)))
    return {
        "section": "conditional",
        "application": found,
        "rows": rows,
        "steps": [step for step in steps if step.state != "skipped"],
        "expected": expected_day(steps) if found.is_open else None,
        "questions": list(
            Enquiry.objects.filter(request=found, kind=EnquiryKind.QUESTION).select_related("step__department")
        ),
        "letters": list(found.letters.select_related("provider").order_by("issued_at", "id")),
        "grants": _grant_rows(found, request),
        "papers": list(found.attachments.all()),
        "form": _form(found, request, rows),
        "token": token_of(found.pk),
        "link": request.build_absolute_uri(follow_path(found.pk)),
        "is_new": "new" in request.GET,
        "may_withdraw": found.is_open,
    }


@takes_files_of_everybody(acts.FORM_BYTES)
@require_http_methods(["GET", "HEAD", "POST"])
def application_follow(request: HttpRequest, pk: UUID, token: str) -> HttpResponse:
    """How an application stands, for whoever has its link; what they may do is sent to the same address."""
    found, actor = application_or_404(pk, token)
    if request.method != "POST":
        return private(render(request, "open/application_follow.html", _context(request, found)))
    try:
        made = _act(request, found, actor)
    except PortalError as error:
        found, actor = application_or_404(pk, token)
        context = _context(request, found) | {"error": error, "failed_act": request.POST.get("act")}
        context["messages_of"] = _messages(error, context["form"])
        return private(render(request, "open/application_follow.html", context, status=int(error.status)))
    if isinstance(made, str):
        context = _context(request, found) | {"new_key": made, "key_of": request.POST.get("object")}
        return private(render(request, "open/application_follow.html", context))
    return private(redirect(follow_path(pk)))


def _messages(error: PortalError, form: UseForm | None) -> list[str]:
    """What is wrong with single entries; those of the form stand beside its fields, too."""
    if not isinstance(error, InvalidInput):
        return []
    for name, found in error.fields.items():
        if form is not None and form.is_bound and name in form.fields:
            for message in found:
                if str(message) not in form.errors.get(name, []):
                    form.add_error(name, str(message))
    return [str(message) for found in error.fields.values() for message in found if str(message) != str(error)]


def _act(request: HttpRequest, found: SharingRequest, actor: Actor) -> str | None:
    """Do what the applicant chose; the new key, where one was made."""
    name, target = request.POST.get("act", ""), request.POST.get("object", "")
    text = clean_text(request.POST.get("text", ""))
    commands: dict[str, Callable[[], object]] = {
        "answer": lambda: thread.answer(enquiry=_one(_questions(found), target), actor=actor, text=text),
        "resubmit": lambda: _resubmit(request, found, actor),
        "accept": lambda: workflow.answer_terms(item=_one(found.items.all(), target), actor=actor, is_accepted=True),
        "decline": lambda: workflow.answer_terms(item=_one(found.items.all(), target), actor=actor, is_accepted=False),
        "withdraw": lambda: workflow.withdraw(request=found, actor=actor, reason=text[:1_000]),
        "object": lambda: disputes.open_dispute(item=_one(found.items.all(), target), actor=actor, text=text),
        "say": lambda: disputes.say(dispute=_one(_disputes(found), target), actor=actor, text=text),
        "move-up": lambda: disputes.move_up(dispute=_one(_disputes(found), target), actor=actor),
        "give-up": lambda: disputes.withdraw(dispute=_one(_disputes(found), target), actor=actor),
        "appeal": lambda: disputes.appeal(dispute=_one(_disputes(found), target), actor=actor),
        "agree": lambda: letters.confirm(letter=_one(found.letters.all(), target), actor=actor),
        "new-key": lambda: grants.create_credential(grant=_one(_grants(found), target), actor=actor)[1],
        "end-key": lambda: grants.withdraw_credential(credential=_one(_keys(found), target), actor=actor),
    }
    if name not in commands:
        raise Http404
    made = commands[name]()
    return made if isinstance(made, str) else None


def _one(rows: Any, target: str) -> Any:
    """The one of ``rows`` that is named; 404 for all others."""
    try:
        return get_object_or_404(rows, pk=UUID(target))
    except ValueError as error:
        raise Http404 from error


def _questions(found: SharingRequest) -> Any:
    rows = Enquiry.objects.filter(request=found, kind=EnquiryKind.QUESTION)
    return rows.select_related("step__department", "step__request", "request")


def _disputes(found: SharingRequest) -> Any:
    return Dispute.objects.filter(item__request=found).select_related("item__request", "step__department")


def _grants(found: SharingRequest) -> Any:
    return Grant.objects.filter(outside=found.pk)


def _keys(found: SharingRequest) -> Any:
    return Credential.objects.filter(grant__outside=found.pk).select_related("grant")


def _resubmit(request: HttpRequest, found: SharingRequest, actor: Actor) -> None:
    form = _form(found, request, item_rows(found))
    seen = posted_version(request)
    if form is None or not form.is_valid():
        raise InvalidInput(fields={n: [str(e) for e in found_] for n, found_ in form.errors.items()} if form else {})
    use = None if isinstance(form, ItemsForm) else form.use()
    papers = form.cleaned_data["papers"]
    acts.resubmit(request=found, actor=actor, seen_version=seen, columns=form.columns(), use=use, papers=papers)


@require_GET
def application_download(request: HttpRequest, pk: UUID, token: str, grant_pk: UUID, format: str) -> HttpResponseBase:
    """The granted rows as a file; at most 30 downloads a minute from an address."""
    found, actor = application_or_404(pk, token)
    rows = _grants(found).select_related("dataset__provider__region", "item__request", "department")
    grant = get_object_or_404(rows, pk=grant_pk)
    access.require(actor, Permission.GRANT_USE, grant)
    count_download(address_of(request) or "")
    response = export(open_grant(grant, Channel.FILE), format, request=request)
    response["Referrer-Policy"] = "same-origin"
    return response


@require_GET
def application_letter(request: HttpRequest, pk: UUID, token: str, letter_pk: UUID) -> HttpResponse:
    """A letter on the application as a PDF file: the decision, or an agreement."""
    found, _actor = application_or_404(pk, token)
    rows = found.letters.filter(kind__in=LetterKind.values).select_related("request__department", "provider")
    letter = get_object_or_404(rows, pk=letter_pk)
    response = HttpResponse(pdf("sharing/letters/letter_pdf.html", letter_context(letter)), "application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{letter.number}.pdf"'
    return private(response)
