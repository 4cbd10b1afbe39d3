"""Building routes: a draft is made of the version in force, changed stage by stage, checked, and published from a day.

Requests that were submitted keep the version that they have; those submitted from the day on take the new one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from portal import access
from portal.access import Actor, Permission
from portal.audit import record
from portal.departments.models import Region
from portal.errors import InvalidInput, WrongState
from sharing.models import Route, RouteVersion
from sharing.routes import RouteError, parse_any_of, parse_stages
from sharing.routing.checking import problems

STAGE_LIMIT = 20
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Settings:
    """Which requests a route is for, and its place among the routes."""

    title: str
    title_en: str
    rank: int
    region: Region | None
    any_of: Sequence[Sequence[dict[str, Any]]]
    is_active: bool


def _lock(route: Route, actor: Actor) -> tuple[Route, Actor]:
    locked = Route.objects.select_for_update(of=("self",)).select_related("region").get(pk=route.pk)
    return locked, access.require(actor, Permission.ROUTE_MANAGE, locked)


def _log(route: Route, verb: str, actor: Actor, **data: Any) -> None:
    record.append(stream=record.stream_of(route), verb=verb, actor=actor, data=data)


def version_in_force(route: Route) -> RouteVersion | None:
    """The version that holds today."""
    return RouteVersion.objects.in_force().filter(route=route).first()


@transaction.atomic
def create(*, key: str, settings: Settings, source: Route, actor: Actor) -> Route:
    """A new route, switched off, whose draft is a copy of the version in force of ``source``.

    Raises:
        NotPermitted: the route's region is not in the actor's charge.
        InvalidInput: the key is taken.
    """
    route = Route(key=key, title=settings.title, title_en=settings.title_en, rank=settings.rank, region=settings.region)
    route.any_of = _checked_any_of(settings)
    actor = access.require(actor, Permission.ROUTE_MANAGE, route)
    if Route.objects.filter(pk=key).exists():
        message = _("There is a route with this key already.")
        raise InvalidInput(message, fields={"key": [message]})
    route.save(force_insert=True)
    version = version_in_force(source)
    RouteVersion.objects.create(route=route, number=1, stages=version.stages if version else [])
    _log(route, "route.drafted", actor, title=route.title, source=source.pk)
    return route


def _checked_any_of(settings: Settings) -> list[list[dict[str, Any]]]:
    parse_any_of(settings.any_of, settings.title)
    return [list(group) for group in settings.any_of]


@transaction.atomic
def change_settings(*, route: Route, settings: Settings, actor: Actor) -> Route:
    """Change which requests a route is for. Switching on the only route that fits everything off is refused.

    Raises:
        InvalidInput: a condition that never holds, no version is published, or nothing else would fit all requests.
    """
    route, actor = _lock(route, actor)
    any_of = _checked_any_of(settings)
    wrong = [p.text for p in problems(_stages_in_force(route), parse_any_of(any_of, route.pk)) if p.stage == ""]
    if wrong and any_of:
        raise InvalidInput(wrong[0], fields={"any_of": wrong})
    if settings.is_active and version_in_force(route) is None:
        message = _("Publish a version before the route is switched on.")
        raise InvalidInput(message, fields={"is_active": [message]})
    before = {"rank": route.rank, "is_active": route.is_active, "any_of": route.any_of}
    route.title, route.title_en, route.rank = settings.title, settings.title_en, settings.rank
    route.region, route.any_of, route.is_active = settings.region, any_of, settings.is_active
    access.require(actor, Permission.ROUTE_MANAGE, route)
    route.save()
    if not Route.objects.filter(is_active=True, region=None, any_of=[]).exists():
        message = _("One route without region and conditions must stay switched on, or some requests had none.")
        raise InvalidInput(message, fields={"is_active": [message]})
    after = {"rank": route.rank, "is_active": route.is_active, "any_of": route.any_of}
    _log(route, "route.changed", actor, before=before, after=after, title=route.title)
    return route


def _stages_in_force(route: Route) -> Any:
    version = version_in_force(route) or route.versions.order_by("-number").first()
    return parse_stages(version.stages) if version else ()


@transaction.atomic
def start_draft(*, route: Route, actor: Actor) -> RouteVersion:
    """The draft of the next version: the one there is, or a copy of the last version."""
    route, actor = _lock(route, actor)
    draft = route.versions.filter(published_at=None).first()
    if draft:
        return draft
    last = version_in_force(route) or route.versions.order_by("-number").first()
    number = (route.versions.aggregate(n=Max("number"))["n"] or 0) + 1
    draft = RouteVersion.objects.create(route=route, number=number, stages=last.stages if last else [])
    _log(route, "route.drafted", actor, number=number)
    return draft


def _edit(route: Route, actor: Actor, seen: int, change: Callable[[Rows], Rows]) -> RouteVersion:
    """Change the stages of the draft, unless somebody changed them since ``seen``.

    Raises:
        WrongState: there is no draft, or it was changed in the meantime.
        InvalidInput: too many stages, or one that cannot be read.
    """
    route, actor = _lock(route, actor)
    draft = route.versions.filter(published_at=None).first()
    if draft is None or draft.changes != seen:
        raise WrongState(_("Somebody changed this draft in the meantime. Reload and look again."))
    stages = change([dict(row) for row in draft.stages])
    if len(stages) > STAGE_LIMIT:
        raise InvalidInput(_("A route can have at most %(limit)s stages.") % {"limit": STAGE_LIMIT})
    try:
        parse_stages(stages)
    except RouteError as error:
        raise InvalidInput(str(error), fields={"stage": [str(error)]}) from error
    draft.stages, draft.changes = stages, draft.changes + 1
    draft.save(update_fields=["stages", "changes"])
    _log(route, "route.changed", actor, number=draft.number, stages=stages)
    return draft


@transaction.atomic
def put_stage(*, route: Route, actor: Actor, seen: int, stage: dict[str, Any], key: str = "") -> RouteVersion:
    """Put ``stage`` in the place of the one called ``key``, or at the end of its part when ``key`` is ""."""

    def change(rows: Rows) -> Rows:
        places = [n for n, row in enumerate(rows) if row["key"] == key]
        if places:
            rows[places[0]] = stage
            return rows
        return _in_order([*rows, stage])

    return _edit(route, actor, seen, change)


def _in_order(rows: Rows) -> Rows:
    """Common stages first, then those of the lanes, then reviews afterwards and copies; each part as it stood."""
    from sharing.routes import IN_LANES

    def part(row: dict[str, Any]) -> int:
        if row.get("is_copy"):
            return 3
        return 2 if row.get("afterwards") else int(row["who"] in IN_LANES)

    return sorted(rows, key=part)


@transaction.atomic
def order_stage(*, route: Route, actor: Actor, seen: int, key: str, act: str) -> RouteVersion:
    """Move a stage ``up`` or ``down``, or ``remove`` it."""

    def change(rows: Rows) -> Rows:
        place = next((n for n, row in enumerate(rows) if row["key"] == key), None)
        if place is None:
            raise WrongState
        row = rows.pop(place)
        if act != "remove":
            rows.insert(max(0, place + (-1 if act == "up" else 1)), row)
        return rows

    return _edit(route, actor, seen, change)


@transaction.atomic
def publish(*, route: Route, actor: Actor, seen: int, effective_from: dt.date, note: str) -> RouteVersion:
    """Publish the draft from a day on (today at the earliest); it cannot be changed then.

    Raises:
        InvalidInput: a day in the past, or what the checks found (``checking.problems``).
        WrongState: there is no draft, or it was changed since ``seen``.
    """
    route, actor = _lock(route, actor)
    draft = route.versions.filter(published_at=None).first()
    if draft is None or draft.changes != seen:
        raise WrongState(_("Somebody changed this draft in the meantime. Reload and look again."))
    if effective_from < timezone.localdate():
        message = _("The first day is today at the earliest; requests that run keep their route.")
        raise InvalidInput(message, fields={"effective_from": [message]})
    found = problems(parse_stages(draft.stages), parse_any_of(route.any_of, route.pk))
    errors = [problem.text for problem in found if problem.is_error]
    if errors:
        raise InvalidInput(_("The route cannot be published like this."), fields={"stages": errors})
    draft.effective_from, draft.note = effective_from, note.strip()
    draft.published_at, draft.published_by = timezone.now(), actor.user
    draft.save()
    _log(
        route,
        "route.published",
        actor,
        number=draft.number,
        effective_from=effective_from.isoformat(),
        note=draft.note,
        stages=draft.stages,
    )
    return draft


@transaction.atomic
def discard(*, route: Route, actor: Actor) -> None:
    """Throw the draft away; a route that never had a version goes with it."""
    route, actor = _lock(route, actor)
    draft = route.versions.filter(published_at=None).first()
    if draft is None:
        raise WrongState
    number = draft.number
    draft.delete()
    _log(route, "route.changed", actor, discarded=number)
    if not route.versions.exists():
        route.delete()
