"""The home page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from portal.dashboards.cards import cards_for
from portal.notices.models import Notice
from portal.notices.texts import sentence
from portal.views import actor_of


def home(request: HttpRequest) -> HttpResponse:
    """What waits for me; the anonymous are led to the open data."""
    if not request.user.is_authenticated:
        return redirect("open:home")
    actor = actor_of(request)
    notices = Notice.objects.filter(user=actor.user).order_by("-created_at", "-id")[:8]
    context = {"cards": cards_for(actor), "lines": [(notice, sentence(notice)) for notice in notices]}
    return render(request, "portal/home.html", context)
