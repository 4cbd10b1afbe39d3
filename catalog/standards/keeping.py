"""Keeping the standards: the classification tree, code lists with their versions, and data elements.

Each command locks what it changes, asks the rules and records one event, in one transaction. Nothing that is in use is
removed: it is retired, stays where it is used and is offered to nobody else.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from pyarrow import ArrowInvalid

from catalog import search
from catalog.models import CodeList, CodeListState, CodeListVersion, CodeValue, DataElement, Dataset, Theme
from catalog.standards.conformance import matches
from catalog.standards.tasks import standard_changed
from portal import access
from portal.access import Actor, Permission
from portal.audit import record
from portal.errors import InvalidInput, WrongState

VALUE_LIMIT = 200_000
Value = Mapping[str, str]
"""A code list's value: code, name, parent, description."""


def _record(obj: models.Model, verb: str, actor: Actor, **data: Any) -> None:
    record.append(stream=record.stream_of(obj), verb=verb, actor=actor, data=data)


def _clean(obj: models.Model) -> None:
    try:
        obj.full_clean()
    except ValidationError as error:
        raise InvalidInput(fields=error.message_dict) from error


@transaction.atomic
def add_theme(*, parent: Theme | None, name: str, name_en: str, actor: Actor) -> Theme:
    """A new class below ``parent``, or a new item at the top; it gets the next code there."""
    actor = access.require(actor, Permission.STANDARD_MANAGE)
    rows = Theme.objects.select_for_update().order_by("code")
    if parent is not None and (parent.depth == 2 or parent.retired_at):
        raise WrongState(_("A sub-category is not divided further, and a retired class not at all."))
    width = 2 if parent is None or parent.depth == 1 else 3
    start = parent.code if parent else ""
    taken = [int(t.code[len(start) :]) for t in rows if t.parent_code == start and t.code != start]
    number = max(taken, default=0) + 1
    if number >= 10**width:
        raise WrongState(_("There is no code left here."))
    theme = Theme(code=f"{start}{number:0{width}d}", name=name.strip(), name_en=name_en.strip())
    _clean(theme)
    if any(other.name == theme.name and other.parent_code == start for other in rows):
        raise InvalidInput(fields={"name": [_("There is a class of this name here already.")]})
    theme.save(force_insert=True)
    _record(theme, "theme.added", actor, code=theme.code, name=theme.name)
    return theme


@transaction.atomic
def rename_theme(*, theme: Theme, name: str, name_en: str, actor: Actor) -> Theme:
    """Another name for a class; the records under it are found by the new one."""
    actor = access.require(actor, Permission.STANDARD_MANAGE)
    theme = Theme.objects.select_for_update().get(pk=theme.pk)
    before, theme.name, theme.name_en = theme.name, name.strip(), name_en.strip()
    _clean(theme)
    theme.save()
    _record(theme, "theme.renamed", actor, before=before, name=theme.name)
    search.index(Dataset.objects.filter(themes=theme).values_list("pk", flat=True))
    return theme


def theme_uses(theme: Theme) -> int:
    """How many records have a class, or one below it."""
    return Dataset.objects.filter(themes__code__startswith=theme.code).distinct().count()


@transaction.atomic
def retire_theme(*, theme: Theme, actor: Actor) -> None:
    """Offer a class, and those below it, to no new record; one that nobody uses and that has none below is removed."""
    actor = access.require(actor, Permission.STANDARD_MANAGE)
    theme = Theme.objects.select_for_update().get(pk=theme.pk)
    below = Theme.objects.filter(code__startswith=theme.code)
    _record(theme, "theme.retired", actor, code=theme.code, name=theme.name)
    if below.count() == 1 and not theme_uses(theme):
        theme.delete()
    else:
        below.filter(retired_at__isnull=True).update(retired_at=timezone.now())


@transaction.atomic
def restore_theme(*, theme: Theme, actor: Actor) -> None:
    """Offer a retired class again, and those above it."""
    actor = access.require(actor, Permission.STANDARD_MANAGE)
    theme = Theme.objects.select_for_update().get(pk=theme.pk)
    Theme.objects.filter(code__in=theme.lineage).update(retired_at=None)
    _record(theme, "theme.restored", actor, code=theme.code, name=theme.name)


def _set(obj: DataElement | CodeList, values: Mapping[str, Any]) -> list[str]:
    """Put values on an object; returns the names of those that differ."""
    changed = [name for name, value in values.items() if getattr(obj, name) != value]
    for name in changed:
        setattr(obj, name, values[name])
    return changed


@transaction.atomic
def save_code_list(*, code_list: CodeList, values: Mapping[str, Any], actor: Actor) -> CodeList:
    """Make a code list, or change what is said of it."""
    actor = access.require(actor, Permission.STANDARD_MANAGE)
    is_new = code_list._state.adding
    if not is_new:
        code_list = CodeList.objects.select_for_update().get(pk=code_list.pk)
    changed = _set(code_list, values)
    _clean(code_list)
    code_list.save()
    verb = "codelist.created" if is_new else "codelist.changed"
    _record(code_list, verb, actor, name=code_list.name, changed=changed)
    return code_list


@transaction.atomic
def new_version(*, code_list: CodeList, values: Sequence[Value], note: str, actor: Actor) -> CodeListVersion:
    """A draft of the list's next version with these values; a draft that is there already is replaced.

    Raises:
        InvalidInput: names the lines whose code is missing, repeated, or whose parent is not in the list.
    """
    actor = access.require(actor, Permission.STANDARD_MANAGE)
    code_list = CodeList.objects.select_for_update().get(pk=code_list.pk)
    _check_values(values)
    code_list.versions.filter(state=CodeListState.DRAFT).delete()
    number = (code_list.versions.aggregate(n=models.Max("number"))["n"] or 0) + 1
    version = CodeListVersion.objects.create(code_list=code_list, number=number, note=note, created_by=actor.user)
    CodeValue.objects.bulk_create(
        (
            CodeValue(
                version=version,
                position=position,
                code=value["code"],
                name=value["name"],
                parent=value.get("parent", ""),
                description=value.get("description", "")[:500],
            )
            for position, value in enumerate(values)
        ),
        batch_size=2_000,
    )
    _record(code_list, "codelist.drafted", actor, version=number, values=len(values))
    return version


def _check_values(values: Sequence[Value]) -> None:
    wrong: list[str] = []
    seen: set[str] = set()
    codes = {value["code"] for value in values}
    for number, value in enumerate(values, start=1):
        code, name, parent = value["code"], value["name"], value.get("parent", "")
        if not code or not name or len(code) > 60 or len(name) > 200:
            wrong.append(_("Line %(n)s: code and name are needed, of at most 60 and 200 characters.") % {"n": number})
        elif code in seen:
            wrong.append(_("Line %(n)s: the code %(code)s is there already.") % {"n": number, "code": code})
        elif parent and parent not in codes:
            wrong.append(_("Line %(n)s: there is no code %(code)s above it.") % {"n": number, "code": parent})
        seen.add(code)
    if not values or len(values) > VALUE_LIMIT:
        wrong.append(_("A list has at least one value and at most 200,000."))
    if wrong:
        raise InvalidInput(fields={"file": wrong[:20]})


@transaction.atomic
def publish_version(*, version: CodeListVersion, valid_from: dt.date | None, actor: Actor) -> CodeListVersion:
    """Put a draft in force from a day: at once when it has come, else by ``bring_into_force`` on that day."""
    actor = access.require(actor, Permission.STANDARD_MANAGE)
    CodeList.objects.select_for_update().get(pk=version.code_list_id)
    version = CodeListVersion.objects.select_related("code_list").get(pk=version.pk)
    if version.state != CodeListState.DRAFT:
        raise WrongState(_("Only a draft is put in force."))
    version.valid_from = valid_from or timezone.localdate()
    version.save()
    _record(version.code_list, "codelist.published", actor, version=version.number, on=version.valid_from.isoformat())
    if version.valid_from <= timezone.localdate():
        _in_force(version)
    return version


def _in_force(version: CodeListVersion) -> None:
    version.code_list.versions.filter(state=CodeListState.IN_FORCE).update(state=CodeListState.SUPERSEDED)
    version.state = CodeListState.IN_FORCE
    version.save()
    _compare_again(version.code_list.elements.values_list("pk", flat=True))


def _compare_again(elements: Iterable[UUID]) -> None:
    found = [str(pk) for pk in elements]
    if found:
        standard_changed.defer(element_ids=found)


@transaction.atomic
def bring_into_force(day: dt.date | None = None) -> int:
    """Versions whose day has come take the place of the one in force; returns how many."""
    due = CodeListVersion.objects.select_for_update(of=("self",)).select_related("code_list")
    found = list(due.filter(state=CodeListState.DRAFT, valid_from__lte=day or timezone.localdate()))
    for version in found:
        _in_force(version)
    return len(found)


@transaction.atomic
def save_element(*, element: DataElement, values: Mapping[str, Any], actor: Actor) -> DataElement:
    """Make a data element, or change it; its code stays.

    Raises:
        InvalidInput: by field; a pattern that is no regular expression is told.
    """
    actor = access.require(actor, Permission.STANDARD_MANAGE)
    is_new = element._state.adding
    if not is_new:
        element = DataElement.objects.select_for_update().get(pk=element.pk)
    changed = _set(element, values)
    try:
        matches(element.pattern, [""])
    except ArrowInvalid as error:
        raise InvalidInput(fields={"pattern": [_("This is no regular expression: %(e)s.") % {"e": error}]}) from error
    _clean(element)
    element.save()
    _record(element, "element.created" if is_new else "element.changed", actor, name=element.name, changed=changed)
    if changed and not is_new:
        _compare_again([element.pk])
    return element


@transaction.atomic
def retire(*, obj: DataElement | CodeList, is_retired: bool, actor: Actor) -> None:
    """Offer a data element or code list to no new item, or offer it again; what uses it keeps it."""
    actor = access.require(actor, Permission.STANDARD_MANAGE)
    locked = type(obj).objects.select_for_update().get(pk=obj.pk)
    if bool(locked.retired_at) == is_retired:
        raise WrongState
    locked.retired_at = timezone.now() if is_retired else None
    locked.save()
    verb = "element.retired" if isinstance(obj, DataElement) else "codelist.retired"
    _record(locked, verb, actor, name=locked.name, retired=is_retired)
