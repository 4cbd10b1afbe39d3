"""What a dataset's withdrawal from the catalogue means for requests and grants."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext as _

from catalog.models import Dataset
from portal.access import Actor
from sharing import grants, workflow
from sharing.models import Grant, GrantState, ItemState, RequestItem


def dataset_withdrawn(dataset: Dataset, actor: Actor) -> None:
    """Close the open items that ask for ``dataset`` and suspend its grants; other items of the requests go on.

    Called by ``catalog.lifecycle.withdraw`` in its transaction.
    """
    reason = _("The provider withdrew the dataset: %(note)s") % {"note": dataset.state_note}
    open_states = ItemState.undecided()
    for item in RequestItem.objects.filter(dataset=dataset, state__in=open_states).order_by("request_id"):
        workflow.close_item(item=item, actor=actor, reason=reason)
    running = Q(state=GrantState.ACTIVE) | Q(state=GrantState.SUSPENDED) & ~Q(suspended_for="")
    for grant in Grant.objects.filter(running, dataset=dataset).order_by("id"):
        grants.suspend(grant=grant, actor=Actor.system(), reason=reason)
