"""The pages and buttons that help to put a request together."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from catalog.search import SearchQuery
from catalog.tables.filters import OPERATORS
from portal import access
from portal.access import Permission
from portal.departments import sheets
from portal.errors import InvalidInput, PortalError, WrongState
from portal.list_export import XLSX
from portal.lists import listed
from portal.views import actor_of, clean_text
from sharing.models import CoApplicant, RequestAttachment, RequestState, RequestTemplate, SharingRequest
from sharing.preparing import attachments, copying, everywhere, people, sheet
from sharing.views.requests import request_or_404

SHOWN_FAULTS = 200
SHOWN_TITLES = 5


@login_required
@require_POST
def basket_add_found(request: HttpRequest) -> HttpResponse:
    """Put everything that a search finds in the basket, not only its first page."""
    actor = actor_of(request)
    access.require(actor, Permission.REQUEST_CREATE)
    query = SearchQuery.from_params(QueryDict(request.POST.get("params", "")[:4_000]))
    added, found = copying.add_found(actor=actor, query=query)
    text = ngettext("%(n)s dataset is in the basket now.", "%(n)s datasets are in the basket now.", added) % {
        "n": added
    }
    if added < found:
        text += " " + _("The others are there already, are not shared, or exceed what a request holds.")
    messages.success(request, text) if added else messages.warning(request, text)
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()})
    return redirect(target if safe else "sharing:basket")


@login_required
@require_POST
def request_copy(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A new draft of a former request."""
    found = request_or_404(request, pk)
    try:
        copied = copying.copy(request=found, actor=actor_of(request))
    except InvalidInput as error:
        messages.error(request, str(error))
        return redirect(found)
    messages.success(request, _("The draft is a copy. Check it, accept the commitments, and submit it."))
    if copied.left_out:
        titles = {"titles": listed(copied.left_out[:SHOWN_TITLES]), "n": len(copied.left_out)}
        messages.warning(request, _("%(n)s cannot be asked for any more: %(titles)s") % titles)
    return redirect(copied.request)


@login_required
@require_POST
def template_save(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Keep what a request states as a template of the department."""
    found = request_or_404(request, pk)
    try:
        copying.save_template(request=found, actor=actor_of(request), name=clean_text(request.POST.get("name", "")))
    except InvalidInput as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The template is kept; it is offered for new requests of the department."))
    return redirect(found)


@login_required
@require_POST
def template_remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Forget a template."""
    actor = actor_of(request)
    rows = RequestTemplate.objects.filter(department__in=actor.standing.departments_with())
    copying.remove_template(template=get_object_or_404(rows.select_related("department"), pk=pk), actor=actor)
    messages.success(request, _("Removed from the list."))
    return redirect("sharing:request-create")


def _editable(request: HttpRequest, pk: UUID) -> SharingRequest:
    found = request_or_404(request, pk)
    access.require(actor_of(request), Permission.REQUEST_EDIT, found)
    if found.state not in (RequestState.DRAFT, RequestState.RETURNED):
        raise WrongState(_("The request is with the offices; it can be changed when it is returned."))
    return found


@login_required
def request_everywhere(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The same items and rows for all datasets of a draft."""
    found = _editable(request, pk)
    post, error = request.POST, None
    if request.method == "POST":
        names = set(post.getlist("names")) if post.get("limits_items") else None
        condition = {
            "name": post.get("name", ""),
            "op": post.get("op", "eq"),
            "value": clean_text(post.get("value", "")),
        }
        try:
            changed, left = everywhere.apply(
                request=found, actor=actor_of(request), names=names, condition=condition if condition["name"] else None
            )
        except PortalError as caught:
            error = caught
        else:
            text = ngettext("%(n)s dataset was changed.", "%(n)s datasets were changed.", changed)
            messages.success(request, text % {"n": changed})
            if left:
                titles = {"titles": listed(left[:SHOWN_TITLES]), "n": len(left)}
                messages.warning(request, _("%(n)s have none of these items and stay as they are: %(titles)s") % titles)
            return redirect(found)
    known = everywhere.names_of(found)
    context = {
        "sharing_request": found,
        "several": [name for name in known if name.found > 1],
        "single": [name for name in known if name.found == 1],
        "chosen": post.getlist("names"),
        "operators": OPERATORS.items(),
        "error": error,
    }
    return render(request, "sharing/preparing/everywhere.html", context, status=int(error.status) if error else 200)


@login_required
def request_sheet(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Add the datasets of a workbook to a draft; lines that could not be added are told, with their cells."""
    found = _editable(request, pk)
    bad: list[sheets.Row] = []
    context: dict[str, Any] = {"sharing_request": found}
    if request.method == "POST":
        try:
            added, bad = _load(request, found)
        except InvalidInput as error:
            context["error"] = error
        else:
            text = ngettext("%(n)s dataset was added.", "%(n)s datasets were added.", added) % {"n": added}
            if not bad:
                messages.success(request, text)
                return redirect(found)
            context["added"] = text
    faults = [fault for row in bad for fault in row.faults]
    context |= {"faults": faults[:SHOWN_FAULTS], "count": len(faults)}
    return render(request, "sharing/preparing/sheet.html", context, status=422 if request.method == "POST" else 200)


def _load(request: HttpRequest, found: SharingRequest) -> tuple[int, list[sheets.Row]]:
    upload = request.FILES.get("file")
    if upload is None or not upload.size or upload.size > settings.DEPARTMENT_IMPORT_BYTES:
        raise InvalidInput(_("Choose a workbook that is not too large."), fields={"file": []})
    Path(settings.UPLOADS_ROOT).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.UPLOADS_ROOT) as folder:
        path = Path(folder) / "items.xlsx"
        with path.open("wb") as target:
            target.writelines(upload.chunks())
        return sheet.load(path=path, request=found, actor=actor_of(request))


@login_required
def sheet_template(request: HttpRequest) -> HttpResponse:
    """An empty workbook in the layout of the import."""
    access.require(actor_of(request), Permission.REQUEST_CREATE)
    response = HttpResponse(sheets.write(_("Datasets asked for"), sheet.COLUMNS, []), content_type=XLSX)
    response["Content-Disposition"] = 'attachment; filename="request-items.xlsx"'
    response["Cache-Control"] = "private, no-store"
    return response


@login_required
@require_POST
def attachment_add(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Attach a file."""
    found = _editable(request, pk)
    upload = request.FILES.get("file")
    if upload is None:
        messages.warning(request, _("Choose a file first."))
        return redirect(found)
    try:
        attachments.add(request=found, actor=actor_of(request), upload=upload)
    except InvalidInput as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Attached."))
    return redirect(found)


def _attachment(request: HttpRequest, pk: UUID) -> RequestAttachment:
    rows = SharingRequest.objects.readable_by(actor_of(request).standing).values("pk")
    return get_object_or_404(RequestAttachment.objects.select_related("request"), pk=pk, request__in=rows)


@login_required
def attachment_file(request: HttpRequest, pk: UUID) -> FileResponse:
    """An attachment, as a file to be saved: the browser never shows it as a page of the portal."""
    attachment = _attachment(request, pk)
    response = FileResponse(
        attachments.path_of(attachment).open("rb"),
        as_attachment=True,
        filename=attachment.name,
        content_type="application/octet-stream",
    )
    response["Cache-Control"] = "private, no-store"
    return response


@login_required
@require_POST
def attachment_remove(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take an attachment away again."""
    attachment = _attachment(request, pk)
    attachments.remove(attachment=attachment, actor=actor_of(request))
    messages.success(request, _("Removed from the list."))
    return redirect(attachment.request)


@login_required
@require_POST
def colleague_invite(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Let a colleague write on a request."""
    found = request_or_404(request, pk)
    username = clean_text(request.POST.get("username", ""))
    try:
        made = people.invite(request=found, actor=actor_of(request), username=username)
    except InvalidInput as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("%(name)s can write on this request now.") % {"name": made.user})
    return redirect(found)


@login_required
@require_POST
def colleague_dismiss(request: HttpRequest, pk: int) -> HttpResponse:
    """The colleague does not write on it any more."""
    rows = SharingRequest.objects.readable_by(actor_of(request).standing).values("pk")
    found = get_object_or_404(CoApplicant.objects.select_related("request", "user"), pk=pk, request__in=rows)
    people.dismiss(co_applicant=found, actor=actor_of(request))
    messages.success(request, _("Removed from the list."))
    return redirect(reverse("sharing:request-detail", args=[found.request_id]))
