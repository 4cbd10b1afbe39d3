"""Pages that import and export the lists of departments and people."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView

from portal import access
from portal.access import Permission
from portal.departments import importing, sheets
from portal.errors import InvalidInput
from portal.views import WorkplaceMixin, actor_of

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHOWN = 200
"""How many lines of each sort the plan shows on its page; the counts are of all."""


def _download(content: bytes, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=XLSX)
    response["Content-Disposition"] = f'attachment; filename="{name}.xlsx"'
    response["Cache-Control"] = "private, no-store"
    return response


@login_required
def export(request: HttpRequest, kind: str) -> HttpResponse:
    """The list of departments or of people in the layout that the import reads."""
    access.require(actor_of(request), Permission.PEOPLE_MANAGE)
    if kind not in importing.KINDS:
        raise Http404
    content = sheets.people_workbook() if kind == "people" else sheets.departments_workbook()
    return _download(content, kind)


@login_required
def rejected(request: HttpRequest, token: UUID) -> HttpResponse:
    """The bad lines of an import with their reasons."""
    access.require(actor_of(request), Permission.PEOPLE_MANAGE)
    return _download(importing.rejected_file(token, actor_of(request)), "rejected")


class UploadForm(forms.Form):
    """Which list, and its workbook."""

    kind = forms.ChoiceField(
        label=gettext_lazy("List"),
        choices=[
            ("people", gettext_lazy("People with their duties")),
            ("departments", gettext_lazy("Departments")),
        ],
    )
    file = forms.FileField(label=gettext_lazy("Workbook"), widget=forms.ClearableFileInput(attrs={"accept": ".xlsx"}))


class ImportView(WorkplaceMixin, TemplateView):
    """Choose a workbook; nothing is loaded before its plan is confirmed."""

    template_name = "portal/list_import.html"
    permission = Permission.PEOPLE_MANAGE

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        kwargs.setdefault("form", UploadForm())
        return super().get_context_data(**kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = UploadForm(request.POST, request.FILES)
        if form.is_valid():
            kind = form.cleaned_data["kind"]
            try:
                token = importing.keep(upload=form.cleaned_data["file"], kind=kind, actor=self.actor)
                importing.plan(token=token, kind=kind, actor=self.actor)
            except InvalidInput as error:
                form.add_error("file", str(error))
            else:
                return redirect("departments:import-plan", kind=kind, token=token)
        return self.render_to_response(self.get_context_data(form=form), status=422)


class ImportPlanView(WorkplaceMixin, TemplateView):
    """What every line would do, every bad line with its reasons, and the confirmation."""

    template_name = "portal/list_import_plan.html"
    permission = Permission.PEOPLE_MANAGE

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        if kwargs["kind"] not in importing.KINDS:
            raise Http404
        plan = kwargs.get("plan") or importing.plan(token=kwargs["token"], kind=kwargs["kind"], actor=self.actor)
        titles = {column.key: column.title for column in importing.KINDS[kwargs["kind"]]}
        lines = [line for line in plan.lines if line.state != "unchanged"]
        shown = [(line, [(titles.get(k, k), old, new) for k, old, new in line.changed]) for line in lines[:SHOWN]]
        bad = [(row, [(titles.get(f.column, f.column), f) for f in row.faults]) for row in plan.bad[:SHOWN]]
        return super().get_context_data(
            **{**kwargs, "plan": plan, "lines": shown, "bad": bad, "has_more": max(len(lines), len(plan.bad)) > SHOWN}
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if kwargs["kind"] not in importing.KINDS:
            raise Http404
        try:
            plan = importing.run(
                token=kwargs["token"],
                kind=kwargs["kind"],
                actor=self.actor,
                seen=request.POST.get("seen", ""),
                is_partial=request.POST.get("scope") == "good",
            )
        except InvalidInput as error:
            messages.error(request, str(error))
            return self.render_to_response(self.get_context_data(**kwargs), status=422)
        words = {"good": len(plan.lines), "bad": len(plan.bad)}
        messages.success(request, _("%(good)s lines were loaded, %(bad)s were left out.") % words)
        context = self.get_context_data(plan=plan, is_done=True, **kwargs)
        return self.render_to_response(context)
