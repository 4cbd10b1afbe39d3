"""Pages of the search's words, and of what was searched for in vain."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from catalog.models import SearchMiss, SearchTerm
from catalog.search import misses
from catalog.standards import search_words
from portal import access
from portal.access import Permission
from portal.errors import PortalError
from portal.list_export import exported
from portal.views import actor_of, clean_text, page_of, require_duty, show_refusal

PERIODS = {"7": gettext_lazy("7 days"), "30": gettext_lazy("30 days"), "365": gettext_lazy("a year")}
AUDIENCES = {"internal": gettext_lazy("Departments"), "public": gettext_lazy("The public")}
MISS_HEAD = (gettext_lazy("searched for"), gettext_lazy("times"), gettext_lazy("last"))


class WordsForm(forms.Form):
    """Words that mean the same."""

    words = forms.CharField(
        label=gettext_lazy("Words that mean the same"),
        max_length=1_000,
        help_text=gettext_lazy("Parted by commas, as in 社保, 社会保险. One word alone is kept whole by the search."),
    )


@login_required
def word_list(request: HttpRequest) -> HttpResponse:
    """The authority's words, newest first, and the form to add some."""
    actor = require_duty(request)
    form = WordsForm(request.POST or None, initial={"words": clean_text(request.GET.get("add", ""))[:60]})
    if request.method == "POST":
        access.require(actor, Permission.STANDARD_MANAGE)
        if form.is_valid():
            try:
                search_words.add(text=form.cleaned_data["words"], actor=actor)
            except PortalError as error:
                show_refusal(form, error)
            else:
                messages.success(request, _("The search knows the words in a few seconds."))
                return redirect("catalog:word-list")
    rows = SearchTerm.objects.select_related("created_by")
    if text := clean_text(request.GET.get("q", ""))[:60]:
        rows = rows.filter(words__icontains=text)
    context = {
        "form": form,
        "page": page_of(request, rows),
        "may_manage": access.can(actor, Permission.STANDARD_MANAGE),
    }
    return render(request, "catalog/standards/word_list.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def word_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Take words out of the list."""
    search_words.remove(term=get_object_or_404(SearchTerm, pk=pk), actor=actor_of(request))
    messages.success(request, _("The words were removed."))
    return redirect("catalog:word-list")


def _missed(request: HttpRequest) -> QuerySet[SearchMiss, Any]:
    days = request.GET.get("days", "30")
    since = timezone.localdate() - dt.timedelta(days=int(days) if days in PERIODS else 30)
    audience = request.GET.get("audience", "")
    rows = misses.missed(since, is_public=audience == "public" if audience in AUDIENCES else None)
    if text := clean_text(request.GET.get("q", ""))[:60]:
        rows = rows.filter(text__icontains=text)
    return rows


@login_required
def miss_list(request: HttpRequest) -> HttpResponse:
    """What was searched for and not found: for a demand, a record, or a synonym."""
    actor = require_duty(request)
    context = {
        "page": page_of(request, _missed(request)),
        "periods": PERIODS,
        "audiences": AUDIENCES,
        "days": request.GET.get("days", "30"),
        "may_manage": access.can(actor, Permission.STANDARD_MANAGE),
    }
    return render(request, "catalog/standards/miss_list.html", context)


@login_required
def miss_export(request: HttpRequest) -> HttpResponseBase:
    """The same list as CSV or XLSX."""
    require_duty(request)

    def lines() -> Iterator[list[Any]]:
        for row in _missed(request)[:10_000]:
            yield [row["text"], row["times"], row["last"]]

    return exported(request.GET.get("format", ""), "searches", _("Searched in vain"), MISS_HEAD, lines())
