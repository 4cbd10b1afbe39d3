"""Letters, their verification by anybody who holds one, and the file of a request."""

from __future__ import annotations

import hmac
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django.views.generic import ListView

from portal.audit.record import stream_of
from portal.views import CappedPaginator, WorkplaceMixin, actor_of, clean_text
from sharing import history, way
from sharing.letters import acts, dossier, odrl
from sharing.letters.printing import pdf, qr
from sharing.models import Grant, Letter, LetterKind
from sharing.thread.queries import talk_on
from sharing.views.requests import item_rows, request_or_404

RELATED = "request__department", "provider", "applicant_confirmed_by", "provider_confirmed_by"


class LetterListView(WorkplaceMixin, ListView[Letter]):
    """Letters that I may read, newest first."""

    template_name = "sharing/letters/list.html"
    paginate_by = 20
    paginator_class = CappedPaginator

    def get_queryset(self) -> QuerySet[Letter]:
        params = self.request.GET
        rows = Letter.objects.readable_by(self.actor.standing).select_related(*RELATED)
        if params.get("kind") in LetterKind.values:
            rows = rows.filter(kind=params["kind"])
        if params.get("open"):
            waiting = Q(applicant_confirmed_at=None) | Q(provider_confirmed_at=None)
            rows = rows.filter(waiting, kind=LetterKind.AGREEMENT)
        if text := clean_text(params.get("q", "")):
            found = Q(number__istartswith=text) | Q(request__title__icontains=text)
            rows = rows.filter(found | Q(request__number__istartswith=text))
        return rows.order_by("-issued_at", "-id")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(kinds=LetterKind.choices, **kwargs)


def _letter(request: HttpRequest, pk: UUID) -> Letter:
    rows = Letter.objects.readable_by(actor_of(request).standing).select_related(*RELATED)
    return get_object_or_404(rows, pk=pk)


def verify_url(letter: Letter) -> str:
    """The address that the QR code of a letter holds."""
    return settings.SITE_URL + reverse("sharing:letter-verify", args=[letter.number, letter.code])


def letter_context(letter: Letter) -> dict[str, Any]:
    shown = letter.content | {"items_shown": letter.content["items"]}  # ``items`` is a method in templates
    return {"letter": letter, "content": shown, "qr": qr(verify_url(letter)), "verify_url": verify_url(letter)}


@login_required
def letter_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A letter as it was issued, and its confirmation."""
    letter = _letter(request, pk)
    context = letter_context(letter) | {
        "side": acts.side_of(letter, actor_of(request)),
        "lines": history.lines(stream_of(letter)),
    }
    return render(request, "sharing/letters/detail.html", context)


@login_required
def letter_pdf(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A letter as a PDF file."""
    letter = _letter(request, pk)
    return _file(
        pdf("sharing/letters/letter_pdf.html", letter_context(letter)), f"{letter.number}.pdf", "application/pdf"
    )


@login_required
def letter_odrl(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The obligations of an agreement for machines."""
    letter = _letter(request, pk)
    if letter.kind != LetterKind.AGREEMENT:
        raise Http404
    policy = odrl.policy(settings.SITE_URL + letter.get_absolute_url(), letter.content)
    response = JsonResponse(policy, json_dumps_params={"ensure_ascii": False, "indent": 1})
    response["Content-Type"] = "application/ld+json"
    response["Content-Disposition"] = f'attachment; filename="{letter.number}.jsonld"'
    return response


@login_required
@require_POST
def letter_confirm(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Confirm an agreement for one's side."""
    letter = _letter(request, pk)
    acts.confirm(letter=letter, actor=actor_of(request))
    messages.success(request, _("Confirmed for your side."))
    return redirect(letter)


def letter_verify(request: HttpRequest, number: str, code: str) -> HttpResponse:
    """What a letter says in short, for whoever holds a print of it: parties, day, hash, and whether it is in force."""
    letter = Letter.objects.filter(number=number).select_related(*RELATED).first()
    if letter is None or not hmac.compare_digest(letter.code.encode(), code.encode()):
        return render(request, "sharing/letters/verify.html", {"number": number}, status=404)
    grants = Grant.objects.filter(item__in=letter.items.values("pk"))
    context = {
        "letter": letter,
        "content": letter.content,
        "is_genuine": acts.digest_of(letter.content) == letter.digest,
        "granted": grants.count(),
        "in_force": grants.in_force().count(),
    }
    return render(request, "sharing/letters/verify.html", context)


@login_required
def request_file(request: HttpRequest, pk: UUID, format: str) -> HttpResponse:
    """The whole file of a request: ``json`` with its proof, or ``pdf``."""
    found = request_or_404(request, pk)
    actor = actor_of(request)
    name = found.number or str(found.pk)
    if format == "json":
        response = JsonResponse(dossier.build(found, actor), json_dumps_params={"ensure_ascii": False, "indent": 1})
        response["Content-Disposition"] = f'attachment; filename="{name}.json"'
        return response
    if format != "pdf":
        raise Http404
    context = {
        "sharing_request": found,
        "rows": item_rows(found),
        "lanes": way.way_of(found),
        "talk": talk_on(found, actor),
        "lines": list(reversed(history.lines(stream_of(found)))),
        "file": dossier.build(found, actor),
    }
    return _file(pdf("sharing/letters/file_pdf.html", context), f"{name}.pdf", "application/pdf")


def _file(content: bytes, name: str, content_type: str) -> HttpResponse:
    response = HttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
