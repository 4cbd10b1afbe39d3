"""Keeping what is typed into long forms, so that a closed window or a lost session loses nothing.

The text belongs to its writer alone and changes nothing until the form is saved; it is removed then, or after a month.
"""

from __future__ import annotations

import datetime as dt

from django.http import QueryDict
from django.utils import timezone

from portal.accounts.models import User
from portal.unsaved.models import UnsavedText

LIMIT = 2_000_000
KEPT = dt.timedelta(days=30)
_LEFT_OUT = ("csrfmiddlewaretoken",)


def keep(user: User, key: str, post: QueryDict) -> UnsavedText | None:
    """Keep the fields of a form as they are typed; None when they are too many to be kept."""
    fields = post.copy()
    for name in _LEFT_OUT:
        fields.pop(name, None)
    text = fields.urlencode()
    if len(text) > LIMIT:
        return None
    return UnsavedText.objects.update_or_create(user=user, key=key, defaults={"fields": text})[0]


def kept(user: User, key: str) -> UnsavedText | None:
    """What the person typed into this form and did not save."""
    return UnsavedText.objects.filter(user=user, key=key).first()


def fields_of(text: UnsavedText) -> QueryDict:
    """The fields as a form reads them."""
    return QueryDict(text.fields)


def forget(user: User, key: str) -> None:
    """The form is saved, or the person does not want the text."""
    UnsavedText.objects.filter(user=user, key=key).delete()


def forget_old() -> int:
    """Remove what nobody came back for; returns how many."""
    return UnsavedText.objects.filter(saved_at__lt=timezone.now() - KEPT).delete()[0]
