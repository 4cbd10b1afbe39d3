"""One's own saved searches."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from catalog.models import SavedSearch
from catalog.search import saved
from portal.errors import InvalidInput, NotPermitted
from portal.views import actor_of, clean_text, page_of, require_duty


@login_required
def saved_list(request: HttpRequest) -> HttpResponse:
    """My searches by name."""
    actor = require_duty(request)
    return render(
        request, "catalog/saved_list.html", {"page": page_of(request, SavedSearch.objects.filter(user=actor.user))}
    )


@login_required
@require_POST
def saved_create(request: HttpRequest) -> HttpResponse:
    """Keep the search that was shown."""
    actor = require_duty(request)
    if actor.user is None:
        raise NotPermitted
    params = clean_text(request.POST.get("params", ""))
    try:
        saved.keep(user=actor.user, name=clean_text(request.POST.get("name", "")), params=params)
    except InvalidInput as error:
        messages.error(request, str(error))
        return redirect(f"{reverse('catalog:dataset-list')}?{params[:2_000]}")
    messages.success(request, _("The search is kept. You are told when new datasets meet it."))
    return redirect("catalog:saved-list")


@login_required
@require_POST
def saved_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a search, or switch its notices."""
    found = get_object_or_404(SavedSearch, pk=pk, user=actor_of(request).user)
    if request.POST.get("act") == "remove":
        found.delete()
        messages.success(request, _("The search was removed."))
    else:
        found.is_noticed = request.POST.get("act") == "notice"
        found.save(update_fields=["is_noticed"])
    return redirect("catalog:saved-list")
