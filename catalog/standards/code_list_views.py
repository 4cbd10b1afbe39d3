"""Pages of code lists: the lists, the values of a version, new versions, comparison, export."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Count, Prefetch, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from catalog.models import CodeList, CodeListState, CodeListVersion, CodeValue
from catalog.standards import keeping
from catalog.standards.forms import CodeListForm, PublishForm, VersionForm, typed_values
from portal import access
from portal.access import Permission
from portal.departments import sheets
from portal.errors import InvalidInput, PortalError
from portal.list_export import exported
from portal.views import actor_of, clean_text, page_of, require_duty, show_refusal

COLUMNS = (
    sheets.Column("code", gettext_lazy("code"), is_needed=True),
    sheets.Column("name", gettext_lazy("name"), is_needed=True),
    sheets.Column("parent", gettext_lazy("parent code")),
    sheets.Column("description", gettext_lazy("description")),
)
SORTS = {"code": ("code",), "name": ("name", "code"), "newest": ("-modified", "code")}
TYPED_LIMIT = 1_000
"""Lists of more values are changed by a file rather than in a text box."""
SHOWN_FAULTS = 20


@login_required
def code_list_list(request: HttpRequest) -> HttpResponse:
    """All code lists with the version in force and how many elements use them."""
    actor = require_duty(request)
    rows = CodeList.objects.annotate(uses=Count("elements", distinct=True))
    rows = rows.filter(retired_at__isnull=request.GET.get("state") != "retired")
    if text := clean_text(request.GET.get("q", ""))[:100]:
        named = Q(name__icontains=text) | Q(name_en__icontains=text) | Q(code__icontains=text)
        rows = rows.filter(named | Q(source__icontains=text))
    in_force = CodeListVersion.objects.filter(state=CodeListState.IN_FORCE).annotate(n=Count("values"))
    rows = rows.prefetch_related(Prefetch("versions", in_force, to_attr="in_force"))
    context = {
        "page": page_of(request, rows.order_by(*SORTS.get(request.GET.get("sort", ""), SORTS["code"]))),
        "may_manage": access.can(actor, Permission.STANDARD_MANAGE),
    }
    return render(request, "catalog/standards/code_list_list.html", context)


def _act_page(request: HttpRequest, form: Any, title: str, code_list: CodeList | None, **more: Any) -> HttpResponse:
    list_url = reverse("catalog:code-list-list")
    context = {
        "form": form,
        "title": title,
        "tone": "is-primary",
        "list_url": list_url,
        "list_title": _("Code lists"),
        "back": reverse("catalog:code-list-detail", args=[code_list.pk]) if code_list else list_url,
        "subject": code_list,
        **more,
    }
    return render(request, "layouts/act.html", context, status=422 if form.errors else 200)


@login_required
def code_list_create(request: HttpRequest) -> HttpResponse:
    """Make a code list; its values come with the first version."""
    return _save(request, CodeList(), _("New code list"))


@login_required
def code_list_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Change what is said of a code list."""
    return _save(request, get_object_or_404(CodeList, pk=pk), _("Change the code list"))


def _save(request: HttpRequest, code_list: CodeList, title: str) -> HttpResponse:
    actor = actor_of(request)
    access.require(actor, Permission.STANDARD_MANAGE)
    is_new = code_list._state.adding
    form = CodeListForm(request.POST or None, instance=code_list)
    if request.method == "POST" and form.is_valid():
        target = CodeList() if is_new else CodeList.objects.get(pk=code_list.pk)
        try:
            saved = keeping.save_code_list(code_list=target, values=form.cleaned_data, actor=actor)
        except PortalError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("Saved."))
            return redirect("catalog:code-list-detail", saved.pk)
    return _act_page(request, form, title, None if is_new else code_list)


def _version(code_list: CodeList, number: str | None) -> CodeListVersion | None:
    """The version asked for, else the one in force, else the newest."""
    versions = {str(version.number): version for version in code_list.versions.all()}
    in_force = next((v for v in versions.values() if v.state == CodeListState.IN_FORCE), None)
    return versions.get(number or "") or in_force or next(iter(versions.values()), None)


def _values(version: CodeListVersion | None, request: HttpRequest) -> QuerySet[CodeValue]:
    rows = CodeValue.objects.filter(version=version) if version else CodeValue.objects.none()
    if text := clean_text(request.GET.get("q", ""))[:100]:
        rows = rows.filter(Q(code__startswith=text) | Q(name__icontains=text))
    return rows


@login_required
def code_list_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One list: the values of a version, its versions, and which elements use it."""
    actor = require_duty(request)
    code_list = get_object_or_404(CodeList.objects.prefetch_related("versions__created_by"), pk=pk)
    version = _version(code_list, request.GET.get("version"))
    context = {
        "code_list": code_list,
        "version": version,
        "versions": list(code_list.versions.all()),
        "page": page_of(request, _values(version, request), 50),
        "elements": list(code_list.elements.all()[:50]),
        "may_manage": access.can(actor, Permission.STANDARD_MANAGE),
        "publish": PublishForm(initial={"valid_from": timezone.localdate()}),
    }
    return render(request, "catalog/standards/code_list_detail.html", context)


@login_required
def version_create(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A new version from a file or from typed lines; it is a draft until it is published."""
    actor = actor_of(request)
    access.require(actor, Permission.STANDARD_MANAGE)
    code_list = get_object_or_404(CodeList.objects.prefetch_related("versions"), pk=pk)
    form = VersionForm(request.POST or None, request.FILES or None, initial={"lines": _typed(code_list)})
    if request.method == "POST" and form.is_valid():
        try:
            upload = form.cleaned_data["file"]
            values = _uploaded(upload) if upload else typed_values(clean_text(form.cleaned_data["lines"]))
            note = form.cleaned_data["note"]
            version = keeping.new_version(code_list=code_list, values=values, note=note, actor=actor)
        except PortalError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("The draft is kept. Look at it, then publish it from a day."))
            return redirect(f"{reverse('catalog:code-list-detail', args=[pk])}?version={version.number}")
    lead = _("All values of the new version; those that are missing here are no longer allowed once it is in force.")
    return _act_page(request, form, _("New version"), code_list, lead=lead, multipart=True)


def _typed(code_list: CodeList) -> str:
    """The values of the newest version as lines, unless they are too many to be changed by hand."""
    newest = next(iter(code_list.versions.all()), None)
    rows = list(newest.values.all()[: TYPED_LIMIT + 1]) if newest else []
    if len(rows) > TYPED_LIMIT:
        return ""
    return "\n".join("\t".join((v.code, v.name, v.parent, v.description)).rstrip("\t") for v in rows)


def _uploaded(upload: UploadedFile) -> list[dict[str, str]]:
    """The values of a file.

    Raises:
        InvalidInput: names the cells that cannot be read.
    """
    if (upload.size or 0) > settings.DEPARTMENT_IMPORT_BYTES:
        raise InvalidInput(fields={"file": [_("The file is too large.")]})
    Path(settings.UPLOADS_ROOT).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.UPLOADS_ROOT) as folder:
        path = Path(folder) / "list"
        with path.open("wb") as target:
            target.writelines(upload.chunks())
        rows = sheets.read(path, COLUMNS, row_limit=keeping.VALUE_LIMIT)
    faults = [f"{fault.cell} {fault.reason}" for row in rows for fault in row.faults]
    if faults:
        raise InvalidInput(fields={"file": faults[:SHOWN_FAULTS]})
    return [dict(row.values) for row in rows]


@login_required
@require_POST
def version_publish(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Put the draft in force from a day."""
    actor = actor_of(request)
    access.require(actor, Permission.STANDARD_MANAGE)
    version = get_object_or_404(CodeListVersion, code_list=pk, number=request.POST.get("version") or 0)
    form = PublishForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Give the day from which it is in force."))
    else:
        keeping.publish_version(version=version, valid_from=form.cleaned_data["valid_from"], actor=actor)
        messages.success(request, _("Published. Data that follow it are compared with it again."))
    return redirect(f"{reverse('catalog:code-list-detail', args=[pk])}?version={version.number}")


@login_required
def version_compare(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What one version has that another has not, and what it calls otherwise."""
    require_duty(request)
    code_list = get_object_or_404(CodeList.objects.prefetch_related("versions"), pk=pk)
    versions = list(code_list.versions.all())
    if len(versions) < 2:
        return redirect("catalog:code-list-detail", pk)
    right = _version(code_list, request.GET.get("right")) or versions[0]
    others = [version for version in versions if version != right]
    left = next((v for v in others if str(v.number) == request.GET.get("left")), None) or others[0]
    rows = _differences(left, right)
    context = {"code_list": code_list, "versions": versions, "left": left, "right": right}
    return render(request, "catalog/standards/code_list_compare.html", {**context, "page": page_of(request, rows, 100)})


def _differences(left: CodeListVersion, right: CodeListVersion) -> Any:
    """Rows (code, name before, name after) of what differs, by code."""
    before, after = (dict(version.values.values_list("code", "name")) for version in (left, right))
    codes = sorted({*before, *after})
    return [(code, before.get(code), after.get(code)) for code in codes if before.get(code) != after.get(code)]


@login_required
@require_POST
def code_list_retire(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Offer a list to no new element, or offer it again."""
    code_list = get_object_or_404(CodeList, pk=pk)
    is_retired = request.POST.get("retire") != "no"
    keeping.retire(obj=code_list, is_retired=is_retired, actor=actor_of(request))
    messages.success(request, _("Retired.") if is_retired else _("Offered again."))
    return redirect("catalog:code-list-detail", pk)


@login_required
def code_list_export(request: HttpRequest, pk: UUID, format: str) -> HttpResponseBase:
    """The values of a version as CSV, XLSX or JSON."""
    require_duty(request)
    if format not in ("csv", "xlsx", "json"):
        raise Http404
    code_list = get_object_or_404(CodeList.objects.prefetch_related("versions"), pk=pk)
    version = _version(code_list, request.GET.get("version"))
    rows = CodeValue.objects.filter(version=version).order_by("position", "id")
    names = ("code", "name", "parent", "description")
    if format == "json":
        said = {name: getattr(code_list, name) for name in ("code", "name", "name_en", "source", "description")}
        said |= {"version": version and version.number, "valid_from": version and version.valid_from}
        return JsonResponse({**said, "values": list(rows.values(*names))}, json_dumps_params={"ensure_ascii": False})
    lines = rows.values_list(*names).iterator(chunk_size=2_000)
    head = [column.title for column in COLUMNS]
    return exported(format, code_list.code, code_list.name, head, lines, limit=keeping.VALUE_LIMIT)
