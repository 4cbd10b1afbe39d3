"""Pages of the security administrator's acts on departments: a form, a preview that counts, one confirmation."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import TemplateView

from portal import access
from portal.access import Permission
from portal.departments import changes, moving
from portal.departments.forms import AbolishForm, CreateForm, EditForm, MergeForm, MoveForm, SplitForm
from portal.departments.models import Department
from portal.departments.moving import Move
from portal.errors import InvalidInput
from portal.views import WorkplaceMixin, show_refusal


class ActView(WorkplaceMixin, TemplateView):
    """A form first; posted, a preview with counts; posted again with ``confirm``, the act itself."""

    template_name = "portal/department_act.html"
    permission = Permission.DEPARTMENT_MANAGE
    title: str | Promise
    warning: str | Promise
    is_destructive = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.department: Department | None = None
        if "pk" in kwargs and request.user.is_authenticated:
            rows = Department.objects.select_related("region", "parent")
            self.department = get_object_or_404(rows, pk=kwargs["pk"])
        return super().dispatch(request, *args, **kwargs)

    def form(self, data: Any = None) -> forms.Form:
        raise NotImplementedError

    def moves(self, form: Any) -> list[Move]:
        """What the act would move; nothing for acts that move nothing."""
        return []

    def sentences(self, form: Any) -> list[str]:
        """What the act does beside moving."""
        return []

    def seen(self, form: Any, preview: changes.Preview) -> str:
        return preview.seen

    def run(self, form: Any, seen: str) -> Department:
        raise NotImplementedError

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=self.form()))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.form(request.POST)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form), status=422)
        if request.POST.get("back"):
            return self.render_to_response(self.get_context_data(form=form))
        if request.POST.get("confirm"):
            return self._confirmed(form, request.POST.get("seen", ""))
        preview = changes.preview(self.moves(form))
        kept = [(k, v) for k, values in request.POST.lists() for v in values if k not in NOT_KEPT]
        context = self.get_context_data(
            form=form,
            preview=preview,
            sentences=self.sentences(form),
            seen=self.seen(form, preview),
            kept=[(name, value) for name, value in kept if value],
        )
        return self.render_to_response(context)

    def _confirmed(self, form: forms.Form, seen: str) -> HttpResponse:
        try:
            done = self.run(form, seen)
        except InvalidInput as error:
            show_refusal(form, error)
            return self.render_to_response(self.get_context_data(form=form), status=422)
        messages.success(self.request, _("Done and recorded. The people concerned have been told."))
        return redirect("departments:department-detail", pk=done.pk)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            department=self.department,
            title=self.title,
            warning=self.warning,
            is_destructive=self.is_destructive,
            **kwargs,
        )

    @property
    def own(self) -> Department:
        assert self.department is not None
        return self.department


NOT_KEPT = {"csrfmiddlewaretoken", "confirm", "seen", "back"}


class CreateView(ActView):
    """A new department."""

    title = gettext_lazy("New department")
    warning = gettext_lazy("The department is added to the tree; nobody holds a duty in it yet.")
    is_destructive = False

    def form(self, data: Any = None) -> forms.Form:
        return CreateForm(data)

    def run(self, form: Any, seen: str) -> Department:
        basis = form.cleaned_data["legal_basis"]
        return changes.create(actor=self.actor, values=form.values(), legal_basis=basis)


class EditView(ActView):
    """Names, kind and code."""

    title = gettext_lazy("Edit or rename")
    warning = gettext_lazy("The old name stays findable and is shown as a former name.")
    is_destructive = False

    def form(self, data: Any = None) -> forms.Form:
        return EditForm(data, initial={name: getattr(self.own, name) for name in changes.FIELDS})

    def sentences(self, form: Any) -> list[str]:
        words = _("%(field)s: “%(old)s” becomes “%(new)s”")
        return [
            words % {"field": form[name].label, "old": getattr(self.own, name), "new": form.cleaned_data[name]}
            for name in changes.FIELDS
            if form.cleaned_data[name] != getattr(self.own, name)
        ] or [_("Nothing changes.")]

    def seen(self, form: Any, preview: changes.Preview) -> str:
        return changes.mark_of(self.own)

    def run(self, form: Any, seen: str) -> Department:
        basis = form.cleaned_data["legal_basis"]
        return changes.edit(
            department=self.own, actor=self.actor, values=form.cleaned_data, seen=seen, legal_basis=basis
        )


class MoveView(ActView):
    """Another superior."""

    title = gettext_lazy("Move under another superior")
    warning = gettext_lazy("Its branches go with it. Datasets, requests and rights stay as they are.")
    is_destructive = False

    def form(self, data: Any = None) -> forms.Form:
        initial = {"superior": self.own.parent.credit_code if self.own.parent else ""}
        return MoveForm(data, initial=initial)

    def sentences(self, form: Any) -> list[str]:
        words = _("Superior: “%(old)s” becomes “%(new)s”")
        return [words % {"old": self.own.parent or "—", "new": form.cleaned_data["superior"] or "—"}]

    def seen(self, form: Any, preview: changes.Preview) -> str:
        return changes.mark_of(self.own)

    def run(self, form: Any, seen: str) -> Department:
        data = form.cleaned_data
        return changes.move_under(
            department=self.own,
            superior=data["superior"],
            actor=self.actor,
            seen=seen,
            legal_basis=data["legal_basis"],
        )


class MergeView(ActView):
    """Several become one."""

    title = gettext_lazy("Merge")
    warning = gettext_lazy("The departments that join end; everything below goes to their successor at once.")

    def form(self, data: Any = None) -> forms.Form:
        return MergeForm(data, department=self.own)

    def moves(self, form: Any) -> list[Move]:
        return changes.moves_of_merger(form.sources(), form.cleaned_data["successor"])

    def sentences(self, form: Any) -> list[str]:
        name = form.cleaned_data["successor"] or form.cleaned_data["new_name"]
        return [_("%(old)s becomes part of %(new)s") % {"old": row, "new": name} for row in form.sources()]

    def run(self, form: Any, seen: str) -> Department:
        return changes.merge(
            sources=form.sources(),
            target=form.cleaned_data["successor"],
            values=form.values(),
            actor=self.actor,
            seen=seen,
            legal_basis=form.cleaned_data["legal_basis"],
        )


class SplitView(ActView):
    """One becomes several."""

    title = gettext_lazy("Split")
    warning = gettext_lazy("What is chosen below goes to its part at once; everything else stays.")

    def form(self, data: Any = None) -> forms.Form:
        return SplitForm(data, department=self.own, choosable=moving.choices(self.own))

    def moves(self, form: Any) -> list[Move]:
        return changes.moves_of_split(self.own, form.parts())

    def sentences(self, form: Any) -> list[str]:
        words = _("%(name)s gets %(datasets)d datasets, %(requests)d requests and %(duties)d duties")
        return [
            words
            % {
                "name": part.department or part.values["name"],
                "datasets": len(part.datasets),
                "requests": len(part.requests),
                "duties": len(part.memberships),
            }
            for part in form.parts()
        ]

    def run(self, form: Any, seen: str) -> Department:
        basis = form.cleaned_data["legal_basis"]
        changes.split(source=self.own, parts=form.parts(), actor=self.actor, seen=seen, legal_basis=basis)
        return self.own


class AbolishView(ActView):
    """The end of a department."""

    title = gettext_lazy("Abolish")
    warning = gettext_lazy("The department ends. What it holds goes to its successor at once.")

    def form(self, data: Any = None) -> forms.Form:
        return AbolishForm(data)

    def moves(self, form: Any) -> list[Move]:
        return changes.moves_of_merger([self.own], form.cleaned_data["successor"])

    def run(self, form: Any, seen: str) -> Department:
        data = form.cleaned_data
        return changes.abolish(
            department=self.own,
            successor=data["successor"],
            actor=self.actor,
            seen=seen,
            legal_basis=data["legal_basis"],
        )


def require_people(actor: access.Actor, pk: UUID) -> Department:
    """The department whose people the actor manages; others are refused."""
    department = get_object_or_404(Department.objects.select_related("region"), pk=pk)
    actor = access.require(actor, Permission.DEPARTMENT_PEOPLE, department)
    return department
