"""What the parts of a route are called, and its conditions in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from catalog.models import Grade, Sensitivity, SharingType
from portal.departments.models import Level
from portal.lists import listed
from sharing.models import ApplicantKind, Purpose
from sharing.routes import Condition, Groups, Late, Who

Labels = dict[str, str | Promise]

WHO_LABELS: Labels = {
    Who.APPLICANT: gettext_lazy("Applicant's department"),
    Who.AUTHORITY_OF_APPLICANT: gettext_lazy("Data authority of the applicant's region"),
    Who.NAMED: gettext_lazy("A named department"),
    Who.PROVIDER: gettext_lazy("Provider"),
    Who.AUTHORITY_OF_PROVIDER: gettext_lazy("Data authority of the provider's region"),
    Who.COMMON_SUPERIOR: gettext_lazy("Nearest common superior authority"),
    Who.LEVELS_BETWEEN: gettext_lazy("Authorities of the levels between"),
}
LATE_LABELS: Labels = {
    Late.REMIND: gettext_lazy("remind the office"),
    Late.ESCALATE: gettext_lazy("remind, then tell its superior"),
    Late.AUTHORITY: gettext_lazy("remind, then tell the data authority"),
}
FIELD_LABELS: Labels = {
    "sharing_type": gettext_lazy("Sharing type"),
    "grade": gettext_lazy("Data grade"),
    "personal_data": gettext_lazy("Personal data"),
    "cross_level": gettext_lazy("Across levels"),
    "cross_region": gettext_lazy("Across regions"),
    "cross_border": gettext_lazy("Data leave the country"),
    "item_count": gettext_lazy("Number of datasets"),
    "purpose": gettext_lazy("Purpose"),
    "applicant_kind": gettext_lazy("Kind of applicant"),
    "applicant_level": gettext_lazy("Level of the applicant"),
    "provider_level": gettext_lazy("Level of the provider"),
    "restricted": gettext_lazy("Applicant on the restriction list"),
}
OPERATOR_LABELS: Labels = {
    "eq": gettext_lazy("is"),
    "ne": gettext_lazy("is not"),
    "ge": gettext_lazy("is at least"),
    "le": gettext_lazy("is at most"),
    "in": gettext_lazy("is one of"),
}
CHOICES: dict[str, Sequence[tuple[Any, Any]]] = {
    "sharing_type": SharingType.choices,
    "grade": Grade.choices,
    "personal_data": Sensitivity.choices,
    "purpose": Purpose.choices,
    "applicant_kind": ApplicantKind.choices,
    "applicant_level": Level.choices,
    "provider_level": Level.choices,
}
YES_NO = ("cross_level", "cross_region", "cross_border", "restricted")


def _value(field: str, value: Any) -> str:
    if isinstance(value, list | tuple):
        return listed([_value(field, each) for each in value])
    if field in YES_NO:
        return _("yes") if value else _("no")
    return str(dict(CHOICES.get(field, ())).get(value, value))


def typed_value(field: str, value: Any) -> str:
    """A kept value as it would be typed, so that ``read_value`` gives it back."""
    if isinstance(value, list | tuple):
        return ",".join(_value(field, each) for each in value)
    return _value(field, value)


def condition_words(condition: Condition) -> str:
    """“Data grade is at least 3”."""
    field, operator = FIELD_LABELS[condition.field], OPERATOR_LABELS[condition.operator]
    words = {"field": field, "operator": operator, "value": _value(condition.field, condition.value)}
    return _("%(field)s %(operator)s %(value)s") % words


def alternatives(any_of: Groups) -> list[str]:
    """One sentence an alternative; none when there are no conditions."""
    return [pgettext("between conditions", " and ").join(map(condition_words, group)) for group in any_of]


def read_value(field: str, operator: str, text: str) -> Any:
    """A typed value in the form that a condition keeps: a number, yes or no, a code, or a list of them.

    Raises:
        ValueError: the text is none of what the field can be.
    """
    if operator == "in":
        return [read_value(field, "eq", part) for part in text.replace("，", ",").split(",") if part.strip()]
    text = text.strip()
    if field in YES_NO:
        known = {"true": True, "yes": True, "1": True, "是": True, "false": False, "no": False, "0": False, "否": False}
        if text.lower() not in known:
            raise ValueError(text)
        return known[text.lower()]
    by_label = {str(label): value for value, label in CHOICES.get(field, ())}
    value: Any = by_label.get(text, text)
    if field in ("grade", "item_count", "applicant_level", "provider_level"):
        return int(value)
    if value not in dict(CHOICES[field]):
        raise ValueError(text)
    return value


def hints() -> dict[str, str]:
    """For each field what may be typed as its value."""
    found = {name: listed([label for _value, label in choices]) for name, choices in CHOICES.items()}
    found |= {name: _("yes or no") for name in YES_NO}
    return found | {"item_count": _("a number")}
