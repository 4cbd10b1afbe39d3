"""The route that a request takes: the first in rank that is switched on, fits, and has a version in force."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext as _

from portal.departments.models import Region
from sharing.models import ApplicantKind, Route, RouteVersion
from sharing.routes import RequestFacts, RouteError, any_holds, parse_any_of


def fits(route: Route, facts: RequestFacts, region: Region) -> bool:
    """Whether the route is for an applicant in ``region`` who asks for such items.

    Somebody from outside takes only routes that name their kind: one without conditions is for departments.
    """
    if route.region is not None and not region.path.startswith(route.region.path):
        return False
    any_of = parse_any_of(route.any_of, route.key)
    if facts.applicant_kind != ApplicantKind.DEPARTMENT:
        any_of = tuple(group for group in any_of if any(each.field == "applicant_kind" for each in group))
        if not any_of:
            return False
    return any(any_holds(any_of, facts, item) for item in facts.items)


def version_for(facts: RequestFacts, region: Region, day: dt.date | None = None) -> RouteVersion:
    """The version of the route that a request of an applicant in ``region`` takes if it is submitted on ``day``.

    Raises:
        RouteError: no route fits; the authority has switched off the one that fits everything.
    """
    versions = {version.route_id: version for version in RouteVersion.objects.in_force(day)}
    for route in Route.objects.filter(is_active=True).select_related("region"):
        if route.pk in versions and fits(route, facts, region):
            return versions[route.pk]
    raise RouteError(_("No approval route fits this request. Ask the data authority to publish one."))
