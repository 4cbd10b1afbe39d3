"""What is posted from the pages of steps and requests; what was typed is kept when it cannot be done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from portal.errors import PortalError
from portal.views import actor_of, clean_text, posted_version, show_refusal
from sharing.models import ApprovalStep, Enquiry, SharingRequest
from sharing.thread import acts
from sharing.thread.forms import FORMS, talk_forms
from sharing.views.steps import step_detail, step_or_404


def _commands(step: ApprovalStep, request: HttpRequest, data: dict[str, Any]) -> dict[str, Callable[[], object]]:
    actor = actor_of(request)
    seen = posted_version(request)
    return {
        "question": lambda: acts.ask(step=step, actor=actor, **data),
        "opinion": lambda: acts.ask_opinion(step=step, actor=actor, **data),
        "note": lambda: acts.note(step=step, actor=actor, **data),
        "forward": lambda: acts.forward(step=step, actor=actor, seen_version=seen, **data),
    }


@login_required
@require_POST
def step_talk(request: HttpRequest, pk: UUID, act: str) -> HttpResponse:
    """Ask, note or forward from the page of a step."""
    if act not in FORMS:
        raise Http404
    step = step_or_404(request, pk)
    form = FORMS[act](request.POST, prefix=act)
    if form.is_valid():
        try:
            _commands(step, request, form.cleaned_data)[act]()
        except PortalError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("Forwarded.") if act == "forward" else _("Recorded."))
            return redirect("sharing:queue") if act == "forward" else redirect(f"{step.get_absolute_url()}#talk")
    context = step_detail(request, step_or_404(request, pk)) | {"talk_forms": talk_forms(act, form)}
    return render(request, "sharing/step_detail.html", context, status=422)


@login_required
@require_POST
def enquiry_act(request: HttpRequest, pk: UUID, act: str) -> HttpResponse:
    """Answer a question, or take it back; back to the page from which it was posted."""
    actor = actor_of(request)
    rows = SharingRequest.objects.readable_by(actor.standing)
    enquiry = get_object_or_404(Enquiry.objects.select_related("step__request"), pk=pk, request__in=rows)
    if act == "answer":
        acts.answer(enquiry=enquiry, actor=actor, text=clean_text(request.POST.get("text", "")))
    elif act == "take-back":
        acts.take_back(enquiry=enquiry, actor=actor)
    else:
        raise Http404
    messages.success(request, _("Recorded."))
    back = enquiry.step if request.POST.get("from") == "step" else enquiry.step.request
    return redirect(f"{back.get_absolute_url()}#talk")
