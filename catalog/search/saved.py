"""Searches that people keep, and the notices of what is new in them."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.models import SavedSearch
from catalog.search.asking import SearchQuery
from catalog.search.matching import matching
from portal.access import standing_of
from portal.accounts.models import User
from portal.errors import InvalidInput
from portal.lists import listed
from portal.notices.models import NoticeKind
from portal.notices.send import notify

LIMIT = 50
"""So many searches one person keeps."""
TITLES = 3
_NOT_KEPT = ("page", "explain", "csrfmiddlewaretoken")


@transaction.atomic
def keep(*, user: User, name: str, params: str) -> SavedSearch:
    """Keep the search that an address asks for; one of the same name is replaced.

    Raises:
        InvalidInput: no name, or too many searches.
    """
    name = name.strip()[:60]
    if not name:
        raise InvalidInput(_("Give the search a name."), fields={"name": []})
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    own = SavedSearch.objects.filter(user=user)
    if not own.filter(name=name).exists() and own.count() >= LIMIT:
        raise InvalidInput(_("You keep %(n)s searches already. Remove one first.") % {"n": LIMIT}, fields={"name": []})
    kept = QueryDict(params[:4_000], mutable=True)
    for one in _NOT_KEPT:
        kept.pop(one, None)
    values = {"params": kept.urlencode()[:2_000], "told_at": timezone.now(), "is_noticed": True}
    return own.update_or_create(user=user, name=name, defaults=values)[0]


def tell(now: dt.datetime | None = None) -> int:
    """Tell people of the records that were published in their searches since they were told last; returns how many."""
    told = 0
    ids = SavedSearch.objects.filter(is_noticed=True, user__is_active=True).order_by("pk")
    for pk in list(ids.values_list("pk", flat=True)):
        told += _tell(pk, now or timezone.now())
    return told


@transaction.atomic
def _tell(pk: int, now: dt.datetime) -> int:
    saved = SavedSearch.objects.select_for_update(of=("self",)).select_related("user").filter(pk=pk).first()
    if saved is None or not saved.is_noticed or saved.told_at >= now:
        return 0
    query = SearchQuery.from_params(QueryDict(saved.params))
    rows = matching(query, standing_of(saved.user).reader_groups)
    rows = rows.filter(issued__gt=saved.told_at, issued__lte=now)
    titles = list(rows.order_by("-issued", "pk").values_list("title", flat=True)[: TITLES + 1])
    saved.told_at = now
    saved.save(update_fields=["told_at"])
    if not titles:
        return 0
    shown = listed(titles[:TITLES]) + ("…" if len(titles) > TITLES else "")
    url = f"{saved.get_absolute_url()}&sort=modified"
    return notify([saved.user], NoticeKind.SEARCH_NEWS, url=url, data={"name": saved.name, "titles": shown})
