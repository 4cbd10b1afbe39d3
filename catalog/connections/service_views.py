"""Pages of interfaces."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from catalog.connections import services, sources
from catalog.connections.addresses import SourceFailed
from catalog.connections.forms import ServiceForm
from catalog.connections.views import SORTS
from catalog.models import DataService, Dataset
from portal import access
from portal.access import Permission
from portal.errors import PortalError
from portal.views import actor_of, clean_text, page_of, require_duty, show_refusal


@login_required
def service_list(request: HttpRequest) -> HttpResponse:
    """The interfaces of my departments."""
    actor = actor_of(request)
    access.require(actor, Permission.CONNECTION_MANAGE)
    rows = sources.services_managed_by(actor)
    if text := clean_text(request.GET.get("q", ""))[:100]:
        rows = rows.filter(Q(title__icontains=text) | Q(endpoint_url__icontains=text))
    rows = rows.order_by(*SORTS.get(request.GET.get("sort", ""), SORTS["title"]))
    return render(request, "catalog/connections/service_list.html", {"page": page_of(request, rows)})


def _visible(request: HttpRequest, pk: UUID) -> DataService:
    """An interface of one's own department, or one that serves a record that one sees."""
    actor = require_duty(request)
    mine = Q(pk__in=sources.services_managed_by(actor).values("pk"))
    served = Q(datasets__in=Dataset.objects.readable_by(actor.standing.reader_groups))
    return get_object_or_404(DataService.objects.filter(mine | served).select_related("department").distinct(), pk=pk)


@login_required
def service_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What an interface offers, and which records it serves."""
    service = _visible(request, pk)
    actor = actor_of(request)
    served = Dataset.objects.readable_by(actor.standing.reader_groups).filter(services=service).order_by("title")
    may_manage = access.can(actor, Permission.CONNECTION_MANAGE, service.department)
    context = {"service": service, "served": list(served), "may_manage": may_manage}
    return render(request, "catalog/connections/service_detail.html", context)


@login_required
def service_document(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The OpenAPI document as it was registered."""
    service = _visible(request, pk)
    answer = JsonResponse(service.document, json_dumps_params={"ensure_ascii": False, "indent": 2})
    answer["Content-Disposition"] = 'attachment; filename="openapi.json"'
    return answer


@login_required
def service_create(request: HttpRequest) -> HttpResponse:
    """Register an interface."""
    return _save(request, DataService(), _("New interface"))


@login_required
def service_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Change an interface."""
    mine = sources.services_managed_by(actor_of(request))
    return _save(request, get_object_or_404(mine, pk=pk), _("Change the interface"))


def _save(request: HttpRequest, service: DataService, title: str) -> HttpResponse:
    actor = actor_of(request)
    access.require(actor, Permission.CONNECTION_MANAGE)
    form = ServiceForm(request.POST or None, request.FILES or None, instance=service, actor=actor)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        target = DataService() if service._state.adding else DataService.objects.get(pk=service.pk)
        try:
            saved = services.save(
                service=target,
                department=said["department"],
                values=said,
                document=said["file"].read() if said["file"] else None,
                secret=said["new_secret"],
                datasets=list(said["datasets"]),
                actor=actor,
            )
        except PortalError as error:
            _show(form, error)
        else:
            messages.success(request, _("Saved."))
            return redirect("catalog:service-detail", saved.pk)
    back = reverse("catalog:service-list")
    context = {"form": form, "title": title, "tone": "is-primary", "list_url": back, "list_title": _("Interfaces")}
    context |= {"back": back, "multipart": True}
    return render(request, "layouts/act.html", context, status=422 if form.errors else 200)


def _show(form: ServiceForm, error: PortalError) -> None:
    """Refusals of the document and of the key stand at the fields by which they come."""
    fields = getattr(error, "fields", {})
    for name, other in (("document", "file"), ("secret", "new_secret")):
        if name in fields:
            fields[other] = fields.pop(name)
    show_refusal(form, error)


@login_required
@require_POST
def service_test(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Call it once, and say how it went."""
    service = get_object_or_404(sources.services_managed_by(actor_of(request)), pk=pk)
    try:
        status = services.test(service=service, actor=actor_of(request))
    except SourceFailed as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, _("It answers with the status %(status)s.") % {"status": status})
    return redirect("catalog:service-detail", service.pk)


@login_required
@require_POST
def service_remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Forget an interface."""
    service = get_object_or_404(sources.services_managed_by(actor_of(request)), pk=pk)
    services.remove(service=service, actor=actor_of(request))
    messages.success(request, _("Removed."))
    return redirect("catalog:service-list")
