"""What of sharing depends on a record: grants that deliver from it, keys in use, and requests for it."""

from __future__ import annotations

from django.db.models import Max
from django.utils.translation import gettext as _

from catalog.impact import Change, Group, Hit
from catalog.models import Channel, Dataset
from portal.access import Actor
from portal.lists import listed
from sharing.models import Grant, GrantState, ItemState, RequestItem


def in_sharing(dataset: Dataset, change: Change, actor: Actor, limit: int) -> list[Group]:
    """Grants in force with their last use, and open requests; for columns, only those that hold one of them."""
    grants = Grant.objects.filter(dataset=dataset, state=GrantState.ACTIVE)
    items = RequestItem.objects.filter(dataset=dataset, state__in=ItemState.undecided())
    if not change.is_whole:
        grants = grants.filter(columns__overlap=list(change.columns))
        items = items.filter(columns__overlap=list(change.columns))
    used = grants.annotate(last=Max("usage__at")).select_related("department", "item__request").order_by("id")
    asked = items.select_related("request__department").order_by("request_id", "id")
    return [
        Group(_("Grants that deliver from it"), grants.count(), [_of_grant(grant) for grant in used[:limit]]),
        Group(_("Open requests for it"), items.count(), [_of_item(item) for item in asked[:limit]]),
    ]


def _of_grant(grant: Grant) -> Hit:
    channels = listed(str(Channel(channel).label) for channel in grant.channels)
    last = grant.last  # type: ignore[attr-defined]
    words = _("%(channels)s; until %(day)s; last used %(last)s") % {
        "channels": channels,
        "day": grant.valid_until.isoformat(),
        "last": last.date().isoformat() if last else _("never"),
    }
    return Hit(grant.item.request.number or "", grant.holder_name, words, grant.get_absolute_url())


def _of_item(item: RequestItem) -> Hit:
    request = item.request
    return Hit(request.number or "", request.applicant_name, str(item.get_state_display()), request.get_absolute_url())
