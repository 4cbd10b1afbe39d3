"""What the security administrator and clerks fill in about departments and duties."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from portal.accounts.models import User
from portal.departments.changes import Part
from portal.departments.codes import checked_credit_code
from portal.departments.duties import ONLY_BY_ADMINISTRATOR
from portal.departments.models import AUTHORITY_DUTIES, Department, DepartmentKind, Duty, Region
from portal.errors import InvalidInput

PARTS = 3
"""How many parts one split may make."""


class DepartmentField(forms.CharField):
    """An active department by its credit code or its whole name."""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        found = Department.objects.active().filter(Q(credit_code=text) | Q(name=text)).select_related("region")[:2]
        if len(found) != 1:
            raise forms.ValidationError(_("No department, or more than one, has this name. Give its credit code."))
        return found[0]


class CreditCodeField(forms.CharField):
    """A unified social credit code with its check character."""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return ""
        try:
            return checked_credit_code(text)
        except InvalidInput as error:
            raise forms.ValidationError(str(error)) from error


def _basis() -> forms.CharField:
    return forms.CharField(
        label=gettext_lazy("Legal basis"),
        max_length=500,
        help_text=gettext_lazy("The decision or document that orders this, with its number."),
    )


class EditForm(forms.Form):
    """Names, kind and code of a department."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    short_name = forms.CharField(label=gettext_lazy("Short name"), max_length=40, required=False)
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=DepartmentKind.choices)
    credit_code = CreditCodeField(label=gettext_lazy("Credit code"), max_length=18)
    legal_basis = _basis()


class CreateForm(EditForm):
    """A new department."""

    region = forms.CharField(label=gettext_lazy("Region"), help_text=gettext_lazy("Division code, for example 330106"))
    superior = DepartmentField(
        label=gettext_lazy("Superior"), required=False, help_text=gettext_lazy("Name or credit code")
    )

    def clean_region(self) -> Region:
        found = Region.objects.filter(pk=self.cleaned_data["region"].strip()).first()
        if not found:
            raise forms.ValidationError(_("No region has this division code."))
        return found

    def values(self) -> dict[str, Any]:
        names = ("name", "short_name", "kind", "credit_code", "region")
        return {name: self.cleaned_data[name] for name in names} | {"parent": self.cleaned_data["superior"]}


class MoveForm(forms.Form):
    """The new superior."""

    superior = DepartmentField(
        label=gettext_lazy("New superior"),
        required=False,
        help_text=gettext_lazy("Name or credit code; empty for none."),
    )
    legal_basis = _basis()


class AbolishForm(forms.Form):
    """Who succeeds."""

    successor = DepartmentField(
        label=gettext_lazy("Successor"),
        required=False,
        help_text=gettext_lazy("Name or credit code. May stay empty only when nothing is left to move."),
    )
    legal_basis = _basis()


class MergeForm(forms.Form):
    """Which others join, and what they become."""

    others = forms.CharField(
        label=gettext_lazy("Departments that join it"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Names or credit codes, one a line; may stay empty when it joins an existing one."),
    )
    successor = DepartmentField(
        label=gettext_lazy("Into the existing department"),
        required=False,
        help_text=gettext_lazy("Name or credit code; or fill in the new department below."),
    )
    new_name = forms.CharField(label=gettext_lazy("Name of the new department"), max_length=100, required=False)
    new_code = CreditCodeField(label=gettext_lazy("Credit code of the new department"), max_length=18, required=False)
    legal_basis = _basis()

    def __init__(self, *args: Any, department: Department, **kwargs: Any) -> None:
        self.department = department
        super().__init__(*args, **kwargs)

    def clean_others(self) -> list[Department]:
        field = DepartmentField()
        lines = [line.strip() for line in self.cleaned_data["others"].splitlines() if line.strip()]
        return [field.clean(line) for line in lines[:50]]

    def clean(self) -> None:
        data = self.cleaned_data
        is_new = bool(data.get("new_name") and data.get("new_code"))
        if bool(data.get("successor")) == is_new and not self.errors:
            self.add_error("successor", _("Give either an existing department, or name and code of a new one."))

    def sources(self) -> list[Department]:
        successor = self.cleaned_data["successor"]
        found = {row.pk: row for row in [self.department, *self.cleaned_data["others"]]}
        return [row for row in found.values() if not successor or row.pk != successor.pk]

    def values(self) -> dict[str, Any] | None:
        if self.cleaned_data["successor"]:
            return None
        kinds = {row.kind for row in self.sources()}
        kind = DepartmentKind.DATA_AUTHORITY if DepartmentKind.DATA_AUTHORITY in kinds else self.department.kind
        return {
            "name": self.cleaned_data["new_name"],
            "credit_code": self.cleaned_data["new_code"],
            "region": self.department.region,
            "parent_id": self.department.parent_id,
            "kind": kind,
        }


class SplitForm(forms.Form):
    """Up to three parts, and for each dataset, request and duty where it goes; by default it stays."""

    legal_basis = _basis()

    def __init__(self, *args: Any, department: Department, choosable: dict[str, list[tuple[Any, str]]], **kwargs: Any):
        self.department = department
        self.choosable = choosable
        super().__init__(*args, **kwargs)
        for n in range(1, PARTS + 1):
            words = {"n": n}
            self.fields[f"existing_{n}"] = DepartmentField(
                label=_("Part %(n)s: an existing department") % words, required=False
            )
            self.fields[f"name_{n}"] = forms.CharField(
                label=_("Part %(n)s: or the name of a new one") % words, max_length=100, required=False
            )
            self.fields[f"code_{n}"] = CreditCodeField(
                label=_("Part %(n)s: and its credit code") % words, max_length=18, required=False
            )
        stay = ("", pgettext_lazy("split", "stays"))
        choices = [stay, *((str(n), _("to part %(n)s") % {"n": n}) for n in range(1, PARTS + 1))]
        for kind, rows in choosable.items():
            for key, label in rows:
                self.fields[f"{kind}:{key}"] = forms.ChoiceField(label=label, choices=choices, required=False)

    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The choices by kind, for the page."""
        titles = {"datasets": _("Datasets"), "requests": _("Requests"), "memberships": _("People and duties")}
        return [(titles[kind], [self[f"{kind}:{key}"] for key, _l in rows]) for kind, rows in self.choosable.items()]

    def part_fields(self) -> list[forms.BoundField]:
        return [self[f"{name}_{n}"] for n in range(1, PARTS + 1) for name in ("existing", "name", "code")]

    def clean(self) -> None:
        used = {n for n in range(1, PARTS + 1) if self._is_used(n)}
        if not used and not self.errors:
            self.add_error("existing_1", _("Name at least one part."))
        for name, value in self.cleaned_data.items():
            if ":" in name and value and int(value) not in used:
                self.add_error(f"existing_{value}", _("Something was chosen for this part, so it needs a department."))

    def _is_used(self, n: int) -> bool:
        data = self.cleaned_data
        return bool(data.get(f"existing_{n}") or (data.get(f"name_{n}") and data.get(f"code_{n}")))

    def parts(self) -> list[Part]:
        return [self._part(n) for n in range(1, PARTS + 1) if self._is_used(n)]

    def _part(self, n: int) -> Part:
        data = self.cleaned_data
        keys = {
            kind: [key for key, _label in rows if data.get(f"{kind}:{key}") == str(n)]
            for kind, rows in self.choosable.items()
        }
        existing = data[f"existing_{n}"]
        values = {
            "name": data[f"name_{n}"],
            "credit_code": data[f"code_{n}"],
            "region": self.department.region,
            "parent_id": self.department.parent_id,
            "kind": DepartmentKind.INSTITUTION
            if self.department.kind == DepartmentKind.INSTITUTION
            else DepartmentKind.BUREAU,
        }
        return Part(
            department=existing,
            values={} if existing else values,
            datasets=frozenset(UUID(str(key)) for key in keys.get("datasets", [])),
            requests=frozenset(UUID(str(key)) for key in keys.get("requests", [])),
            memberships=frozenset(int(key) for key in keys.get("memberships", [])),
        )


class MemberForm(forms.Form):
    """A duty for a person of the department, as its clerk gives it."""

    username = forms.CharField(label=gettext_lazy("User name"), max_length=150)
    duty = forms.ChoiceField(label=gettext_lazy("Duty"))
    valid_from = forms.DateField(
        label=gettext_lazy("From"), required=False, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    valid_until = forms.DateField(
        label=gettext_lazy("Until"), required=False, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )

    def __init__(self, *args: Any, department: Department, is_administrator: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        barred = set() if is_administrator else set(ONLY_BY_ADMINISTRATOR)
        if not department.is_authority:
            barred |= AUTHORITY_DUTIES
        field: Any = self.fields["duty"]
        field.choices = [choice for choice in Duty.choices if choice[0] not in barred]

    def clean_username(self) -> User:
        text = re.sub(r"\s", "", self.cleaned_data["username"])
        found = User.objects.filter(username=text, is_active=True, admin_role="").first()
        if not found:
            raise forms.ValidationError(_("Nobody who can hold a duty has this user name."))
        return found
