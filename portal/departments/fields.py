"""Form fields that name a department."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.departments.models import Department


class DepartmentField(forms.CharField):
    """An active department, named by its credit code or its whole name."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", gettext_lazy("Department"))
        kwargs.setdefault("help_text", gettext_lazy("Name or credit code"))
        super().__init__(max_length=100, **kwargs)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        active = Department.objects.active()
        found = active.filter(credit_code=text)[:2] or active.filter(name=text)[:2]
        if len(found) != 1:
            raise forms.ValidationError(_("No department, or more than one, has this name. Give its credit code."))
        return found[0]
