"""The classification tree: looked at by everyone with a duty, edited by the authority."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from catalog.models import Dataset, Theme
from catalog.standards import keeping
from catalog.standards.forms import ThemeForm
from portal import access
from portal.access import Permission
from portal.errors import PortalError
from portal.views import actor_of, clean_text, require_duty, show_refusal


@login_required
def theme_list(request: HttpRequest) -> HttpResponse:
    """The whole tree with the number of records under each class."""
    actor = require_duty(request)
    themes = list(Theme.objects.order_by("code"))
    words = clean_text(request.GET.get("q", "")).lower()
    if words:
        found = {code for t in themes if words in f"{t.code} {t.name} {t.name_en}".lower() for code in t.lineage}
        themes = [theme for theme in themes if theme.code in found]
    context = {
        "rows": [(theme, counts) for theme, counts in _counted(themes)],
        "may_manage": access.can(actor, Permission.STANDARD_MANAGE),
    }
    return render(request, "catalog/standards/theme_list.html", context)


def _counted(themes: list[Theme]) -> list[tuple[Theme, int]]:
    """Each class with the number of published records that have it or one below; one query."""
    records: Counter[str] = Counter()
    published = Dataset.objects.published().order_by()
    for code, count in published.values_list("themes").annotate(n=Count("pk")):
        for above in Theme(code=code).lineage if code else []:
            records[above] += count
    return [(theme, records[theme.code]) for theme in themes]


def _page(request: HttpRequest, form: ThemeForm, title: str, **more: Any) -> HttpResponse:
    back = reverse("catalog:theme-list")
    context = {"form": form, "title": title, "tone": "is-primary", "back": back, "list_url": back}
    context |= {"list_title": _("Classification"), **more}
    return render(request, "layouts/act.html", context, status=422 if form.errors else 200)


@login_required
def theme_create(request: HttpRequest) -> HttpResponse:
    """Divide a class, or add an item at the top."""
    actor = actor_of(request)
    access.require(actor, Permission.STANDARD_MANAGE)
    code = request.GET.get("parent", "")
    parent = get_object_or_404(Theme, pk=code) if code else None
    form = ThemeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            theme = keeping.add_theme(parent=parent, actor=actor, **form.cleaned_data)
        except PortalError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("Added as %(code)s.") % {"code": theme.code})
            return redirect("catalog:theme-list")
    lead = _("The next free code is given to it. Records that are made under it are numbered by it.")
    return _page(request, form, _("Add a class"), lead=lead, subject=parent)


@login_required
def theme_edit(request: HttpRequest, code: str) -> HttpResponse:
    """Rename a class."""
    actor = actor_of(request)
    access.require(actor, Permission.STANDARD_MANAGE)
    theme = get_object_or_404(Theme, pk=code)
    form = ThemeForm(request.POST or None, instance=Theme(code=theme.code, name=theme.name, name_en=theme.name_en))
    if request.method == "POST" and form.is_valid():
        try:
            keeping.rename_theme(theme=theme, actor=actor, **form.cleaned_data)
        except PortalError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("Saved."))
            return redirect("catalog:theme-list")
    lead = _("Its code stays, and so do the codes of the records under it.")
    return _page(request, form, _("Rename a class"), lead=lead, subject=f"{theme.code} {theme.name}")


@login_required
@require_POST
def theme_retire(request: HttpRequest, code: str) -> HttpResponse:
    """Offer a class to no new record, or offer it again."""
    actor = actor_of(request)
    theme = get_object_or_404(Theme, pk=code)
    if request.POST.get("retire") == "no":
        keeping.restore_theme(theme=theme, actor=actor)
        messages.success(request, _("The class is offered again."))
    else:
        keeping.retire_theme(theme=theme, actor=actor)
        messages.success(request, _("The class is offered to no new record; records that have it keep it."))
    return redirect("catalog:theme-list")
