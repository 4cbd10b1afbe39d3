"""Who may see a record and why, and the exceptions to the rules."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from catalog import access_exceptions
from catalog.explaining import Explanation, explain
from catalog.models import AccessException, Dataset
from portal import access
from portal.access import Permission
from portal.accounts.models import User
from portal.departments.fields import DepartmentField
from portal.departments.models import Duty
from portal.errors import InvalidInput
from portal.views import actor_of

SHOWN = 100


class ExceptionForm(forms.Form):
    """For whom, until when and why."""

    department = DepartmentField()
    duty = forms.ChoiceField(label=gettext_lazy("Duty"), choices=Duty.choices)
    valid_until = forms.DateField(
        label=gettext_lazy("Until, inclusive"), widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


def _dataset_or_404(request: HttpRequest, pk: UUID) -> Dataset:
    """A dataset whose exceptions are the actor's business."""
    dataset = get_object_or_404(Dataset.objects.select_related("provider__region"), pk=pk)
    if not access.can(actor_of(request), Permission.DATASET_EXCEPT, dataset):
        raise Http404
    return dataset


def _person(request: HttpRequest) -> User | None:
    name = request.GET.get("person", "").replace("\x00", "").strip()
    return User.objects.filter(username=name).first() if name else None


def _context(request: HttpRequest, dataset: Dataset, form: ExceptionForm) -> dict[str, Any]:
    person = _person(request)
    found: Explanation | None = explain(person, dataset) if person else None
    rows = dataset.access_exceptions.select_related("department", "given_by")
    return {
        "dataset": dataset,
        "form": form,
        "exceptions": rows[:SHOWN],
        "typed": request.GET.get("person", ""),
        "found": found,
        "is_own_page": access.can(actor_of(request), Permission.DATASET_VIEW, dataset),
    }


@login_required
def access_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Explain one person's access, list the exceptions, and give one."""
    dataset = _dataset_or_404(request, pk)
    form = ExceptionForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                access_exceptions.give(dataset=dataset, actor=actor_of(request), **form.cleaned_data)
            except InvalidInput as error:
                for name, found in error.fields.items():
                    form.add_error(name, found)
            else:
                messages.success(request, _("The exception is given."))
                return redirect("catalog:dataset-access", pk=pk)
    return render(request, "catalog/dataset_access.html", _context(request, dataset, form), status=status)


@login_required
@require_POST
def exception_end(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take an exception back."""
    exception = get_object_or_404(AccessException.objects.select_related("dataset__provider__region"), pk=pk)
    _dataset_or_404(request, exception.dataset_id)
    access_exceptions.end(exception=exception, actor=actor_of(request))
    messages.success(request, _("The exception has ended."))
    return redirect("catalog:dataset-access", pk=exception.dataset_id)


@login_required
def access_find(request: HttpRequest) -> HttpResponse:
    """Choose a dataset by its code or title and a person, for the security administrator."""
    access.require(actor_of(request), Permission.RIGHTS_REVIEW)
    text = request.GET.get("q", "").replace("\x00", "").strip()
    named = Dataset.objects.filter(Q(code=text) | Q(title__icontains=text)) if text else Dataset.objects.none()
    found = list(named.select_related("provider").order_by("title")[:30])
    person = request.GET.get("person", "").replace("\x00", "").strip()
    if len(found) == 1:
        query = f"?{urlencode({'person': person})}" if person else ""
        return redirect(reverse("catalog:dataset-access", args=[found[0].pk]) + query)
    context = {"text": text, "typed": person, "found": found}
    return render(request, "catalog/access_find.html", context)
