"""The catalogue's links in the main navigation and its cards on the home page."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from catalog.models import Dataset, DatasetState
from catalog.views.lists import may_review_any, to_review
from portal.access import Actor, Permission, can
from portal.context import Entry, register_nav
from portal.dashboards import cards
from portal.dashboards.cards import Card
from portal.departments.models import AUTHORITY_DUTIES, Duty

STANDARDS = tuple(f"/catalog/{name}/" for name in ("themes", "code-lists", "conformance", "words", "missed"))


def _sees_duplicates(actor: Actor) -> bool:
    return bool(actor.standing.departments_with(Duty.CATALOGUER, *AUTHORITY_DUTIES))


def _cards(actor: Actor) -> list[Card]:
    found = []
    departments = actor.standing.departments_with(Duty.CATALOGUER)
    if departments:
        mine = Dataset.objects.filter(provider__in=departments)
        url = reverse("catalog:dataset-mine")
        drafts = mine.filter(state=DatasetState.DRAFT)
        returned = drafts.exclude(state_note="").count()
        found.append(Card(_("My drafts"), drafts.count(), f"{url}?state=draft"))
        found.append(Card(_("Records returned to me"), returned, f"{url}?state=draft", "warn"))
    if may_review_any(actor):
        found.append(Card(_("Records to review"), to_review(actor).count(), reverse("catalog:dataset-review"), "warn"))
    return found


def register() -> None:
    group = _("Catalogue work")
    register_nav(
        Entry(10, _("Catalogue"), "catalog:dataset-list", lambda actor: bool(actor.standing.duties)),
        Entry(
            11, _("Standards"), "catalog:element-list", lambda a: bool(a.standing.duties), covers=STANDARDS, group=group
        ),
        Entry(12, _("Catalogue health"), "catalog:health-ranking", _sees_duplicates, group=group),
        Entry(20, _("My records"), "catalog:dataset-mine", lambda a: can(a, Permission.DATASET_CREATE), group=group),
        Entry(
            21,
            _("Record review"),
            "catalog:dataset-review",
            may_review_any,
            lambda actor: [to_review(actor)],
            group=group,
        ),
        Entry(
            22,
            _("Duplicates"),
            "catalog:duplicate-list",
            _sees_duplicates,
            covers=("/catalog/sources/",),
            group=group,
        ),
        Entry(
            23,
            _("Connections"),
            "catalog:connection-list",
            lambda actor: can(actor, Permission.CONNECTION_MANAGE),
            group=group,
        ),
    )
    cards.register(_cards)
