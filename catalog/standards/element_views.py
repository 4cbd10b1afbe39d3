"""Pages of data elements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from catalog.models import CodeList, DataElement, DataItem, Dataset, DataType
from catalog.standards import keeping
from catalog.standards.forms import ElementForm
from portal import access
from portal.access import Actor, Permission
from portal.errors import PortalError
from portal.list_export import exported
from portal.views import actor_of, clean_text, page_of, require_duty, show_refusal

SORTS = {
    "code": ("code",),
    "-code": ("-code",),
    "name": ("name", "code"),
    "-name": ("-name", "-code"),
    "uses": ("uses", "code"),
    "-uses": ("-uses", "code"),
}
HEAD = (
    gettext_lazy("code"),
    gettext_lazy("name"),
    gettext_lazy("English name"),
    gettext_lazy("definition"),
    gettext_lazy("data type"),
    gettext_lazy("length"),
    gettext_lazy("unit"),
    gettext_lazy("pattern"),
    gettext_lazy("check"),
    gettext_lazy("code list"),
    gettext_lazy("source standard"),
)


def _chosen(request: HttpRequest) -> QuerySet[DataElement]:
    """Elements under the filters of the address, with how many published items follow each."""
    published = Q(items__dataset__in=Dataset.objects.published())
    rows = DataElement.objects.select_related("code_list").annotate(uses=Count("items", filter=published))
    rows = rows.filter(retired_at__isnull=request.GET.get("state") != "retired")
    if text := clean_text(request.GET.get("q", ""))[:100]:
        named = Q(name__icontains=text) | Q(name_en__icontains=text) | Q(code__icontains=text)
        rows = rows.filter(named | Q(source_standard__icontains=text))
    if (kind := request.GET.get("type", "")) in DataType.values:
        rows = rows.filter(data_type=kind)
    if code := clean_text(request.GET.get("list", ""))[:40]:
        rows = rows.filter(code_list__code=code)
    return rows.order_by(*SORTS.get(request.GET.get("sort", ""), SORTS["code"]))


@login_required
def element_list(request: HttpRequest) -> HttpResponse:
    """All data elements."""
    actor = require_duty(request)
    context = {
        "page": page_of(request, _chosen(request)),
        "types": DataType.choices,
        "lists": CodeList.objects.order_by("code").values_list("code", "name")[:200],
        "may_manage": access.can(actor, Permission.STANDARD_MANAGE),
    }
    return render(request, "catalog/standards/element_list.html", context)


@login_required
def element_export(request: HttpRequest) -> HttpResponseBase:
    """The same list as CSV or XLSX."""
    require_duty(request)

    def lines() -> Iterator[list[Any]]:
        for e in _chosen(request).iterator(chunk_size=500):
            said = [e.code, e.name, e.name_en, e.definition, e.get_data_type_display(), e.length, e.unit, e.pattern]
            yield [*said, e.get_check_digit_display(), e.code_list.code if e.code_list else "", e.source_standard]

    return exported(request.GET.get("format", ""), "elements", _("Data elements"), HEAD, lines())


@login_required
def element_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One element: what it means, its one source, and the items that follow it."""
    actor = require_duty(request)
    element = get_object_or_404(DataElement.objects.select_related("code_list"), pk=pk)
    readable = Dataset.objects.readable_by(actor.standing.reader_groups)
    uses = DataItem.objects.filter(element=element, dataset__in=readable).select_related("dataset__provider")
    context = {
        "element": element,
        "source": readable.filter(source_of_elements=element).select_related("provider").first(),
        "page": page_of(request, uses.order_by("dataset_id", "position", "id")),
        "may_manage": access.can(actor, Permission.STANDARD_MANAGE),
    }
    return render(request, "catalog/standards/element_detail.html", context)


@login_required
def element_create(request: HttpRequest) -> HttpResponse:
    """Make a data element."""
    return _save(request, actor_of(request), DataElement(), _("New data element"))


@login_required
def element_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Change a data element."""
    return _save(request, actor_of(request), get_object_or_404(DataElement, pk=pk), _("Change the data element"))


def _save(request: HttpRequest, actor: Actor, element: DataElement, title: str) -> HttpResponse:
    access.require(actor, Permission.STANDARD_MANAGE)
    is_new = element._state.adding
    form = ElementForm(request.POST or None, instance=element)
    if request.method == "POST" and form.is_valid():
        target = DataElement() if is_new else DataElement.objects.get(pk=element.pk)
        try:
            saved = keeping.save_element(element=target, values=form.cleaned_data, actor=actor)
        except PortalError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("Saved."))
            return redirect("catalog:element-detail", saved.pk)
    list_url = reverse("catalog:element-list")
    context = {
        "form": form,
        "title": title,
        "tone": "is-primary",
        "list_url": list_url,
        "list_title": _("Data elements"),
        "back": list_url if is_new else reverse("catalog:element-detail", args=[element.pk]),
        "subject": None if is_new else element,
        "lead": "" if is_new else _("Data whose items follow it are compared with it again."),
    }
    return render(request, "layouts/act.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def element_retire(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Offer an element to no new item, or offer it again."""
    element = get_object_or_404(DataElement, pk=pk)
    is_retired = request.POST.get("retire") != "no"
    keeping.retire(obj=element, is_retired=is_retired, actor=actor_of(request))
    messages.success(request, _("Retired.") if is_retired else _("Offered again."))
    return redirect("catalog:element-detail", pk)
