"""The search's own words: what means the same, added and removed by the authority."""

from __future__ import annotations

import re

from django.db import transaction
from django.utils.translation import gettext as _

from catalog.models import SearchTerm
from catalog.search import vocabulary
from catalog.search.words import normal
from portal import access
from portal.access import Actor, Permission
from portal.audit import record
from portal.errors import InvalidInput

WORDS_LIMIT = 20
WORD_LENGTH = 60
_BETWEEN = re.compile(r"[,，、;；=\n]+")


@transaction.atomic
def add(*, text: str, actor: Actor) -> SearchTerm:
    """Add words that mean the same, parted by commas; a single word is a term that is not cut.

    Raises:
        InvalidInput: no word, too many or too long ones, or the very words are there already.
    """
    actor = access.require(actor, Permission.STANDARD_MANAGE)
    words = list(dict.fromkeys(word for part in _BETWEEN.split(text) if (word := " ".join(normal(part).split()))))
    if not words or not all(any(c.isalnum() for c in word) for word in words):
        raise InvalidInput(_("Write words, parted by commas."), fields={"words": []})
    if len(words) > WORDS_LIMIT or max(map(len, words)) > WORD_LENGTH or min(map(len, words)) < 2:
        message = _("At most %(n)s words of 2 to %(length)s characters.") % {"n": WORDS_LIMIT, "length": WORD_LENGTH}
        raise InvalidInput(message, fields={"words": [message]})
    if SearchTerm.objects.filter(words__contains=words, words__contained_by=words).exists():
        raise InvalidInput(_("These words are in the list already."), fields={"words": []})
    assert actor.user is not None
    term = SearchTerm.objects.create(words=words, created_by=actor.user)
    _record(term, "words.added", actor)
    return term


@transaction.atomic
def remove(*, term: SearchTerm, actor: Actor) -> None:
    """Take words out of the list; removed meanwhile, nothing happens."""
    actor = access.require(actor, Permission.STANDARD_MANAGE)
    locked = SearchTerm.objects.select_for_update().filter(pk=term.pk).first()
    if locked is None:
        return
    _record(locked, "words.removed", actor)
    locked.delete()


def _record(term: SearchTerm, verb: str, actor: Actor) -> None:
    record.append(stream=record.stream_of(term), verb=verb, actor=actor, data={"words": term.words})
    transaction.on_commit(vocabulary.forget)
