"""Records that are not shared: the provider's review, and the authority's questions.

A review moves the day and the basis of a published record without its two reviews, because nothing becomes more or less
shared by it: it makes a version of its own. To share the record, it is revised (``catalog.revisions``).
"""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog import lifecycle, revisions
from catalog.documents import snapshot
from catalog.models import Dataset, DatasetVersion, SharingType
from catalog.rules import REVIEW_DUTIES, reviewing_authority
from portal import access
from portal.access import Actor, Permission
from portal.calendars.working_days import deadline
from portal.departments.duties import holders
from portal.errors import InvalidInput, WrongState
from portal.notices.models import NoticeKind
from portal.notices.send import notify
from sharing.models import SharingQuestion

KEPT = ("sharing_basis", "sharing_review_on")


def _lock(dataset: Dataset, seen_version: int | None) -> Dataset:
    locked = lifecycle.lock(dataset)
    if not locked.is_published or (seen_version is not None and locked.version != seen_version):
        raise WrongState
    return locked


@transaction.atomic
def review(*, dataset: Dataset, actor: Actor, basis: str, until: dt.date, seen_version: int | None = None) -> Dataset:
    """Still not shared, on this basis, until the next review on ``until`` (two years from now at most).

    Raises:
        WrongState: the record changed since ``seen_version``, or is shared. InvalidInput: by field.
    """
    dataset = _lock(dataset, seen_version)
    actor = access.require(actor, Permission.NOT_SHARING_REVIEW, dataset)
    if dataset.sharing_type != SharingType.NOT_SHARED:
        raise WrongState
    _check_review(basis, until)
    before = {name: getattr(dataset, name) for name in KEPT}
    dataset.sharing_basis, dataset.sharing_review_on = basis.strip(), until
    dataset.version += 1
    dataset.revision += 1
    dataset.save()
    DatasetVersion.objects.create(
        dataset=dataset, number=dataset.version, metadata=snapshot(dataset), published_by=actor.user
    )
    _carry_over(dataset, before)
    lifecycle.note(
        dataset,
        "dataset.not_sharing_reviewed",
        actor,
        basis=dataset.sharing_basis,
        until=until.isoformat(),
        version=dataset.version,
    )
    return dataset


def _check_review(basis: str, until: dt.date) -> None:
    faults = {}
    today = timezone.localdate()
    if not basis.strip() or len(basis) > 1_000:
        faults["basis"] = [_("Name the law or regulation that forbids or limits sharing, with its article.")]
    if not today < until <= today + dt.timedelta(days=settings.NOT_SHARING_LONGEST_DAYS):
        limit = settings.NOT_SHARING_LONGEST_DAYS
        faults["until"] = [_("Choose a day after today, within %(limit)s days.") % {"limit": limit}]
    if faults:
        raise InvalidInput(fields=faults)


def _carry_over(dataset: Dataset, before: dict[str, object]) -> None:
    """Give an open revision the new day and basis where it has not changed them itself."""
    draft = dataset.open_revision
    if draft is None:
        return
    old = {name: value.isoformat() if isinstance(value, dt.date) else value for name, value in before.items()}
    now = snapshot(dataset)
    taken = {name: now[name] for name in KEPT if draft.document.get(name) == old[name]}
    if taken:
        revisions.keep(dataset, draft.document)
        draft.document = draft.document | taken
        draft.revision += 1
        draft.save()


@transaction.atomic
def ask(*, dataset: Dataset, actor: Actor, text: str) -> SharingQuestion:
    """Ask the provider why a record, or an item of it, is not shared; they have 10 working days to answer.

    Raises:
        WrongState: a question is open already, or nothing of the record is kept back.
    """
    dataset = _lock(dataset, None)
    actor = access.require(actor, Permission.NOT_SHARING_ASK, dataset)
    kept_back = dataset.items.filter(sharing_type=SharingType.NOT_SHARED).exists()
    if dataset.sharing_type != SharingType.NOT_SHARED and not kept_back:
        raise WrongState
    if not text.strip() or len(text) > 1_000:
        raise InvalidInput(
            fields={"text": [_("Write the question, in at most %(limit)s characters.") % {"limit": 1000}]}
        )
    term = deadline(timezone.localdate(), settings.DEMAND_ANSWER_DAYS)
    try:
        with transaction.atomic():
            question = SharingQuestion(dataset=dataset, text=text.strip(), asked_by=actor.user)
            question.set_term(term)
            question.save(force_insert=True)
    except IntegrityError as error:
        raise WrongState(_("A question about this record waits for its answer already.")) from error
    lifecycle.note(dataset, "dataset.not_sharing_asked", actor, note=question.text)
    people = [user for duty in REVIEW_DUTIES for user in holders(dataset.provider, duty)]
    _notify(people, dataset, NoticeKind.NOT_SHARING_ASKED, question.text)
    return question


@transaction.atomic
def answer(*, question: SharingQuestion, actor: Actor, text: str) -> SharingQuestion:
    """Answer the authority's question; who asked is told.

    Raises:
        WrongState: somebody answered already.
    """
    dataset = lifecycle.lock(question.dataset)
    question = SharingQuestion.objects.select_for_update(of=("self",)).select_related("asked_by").get(pk=question.pk)
    actor = access.require(actor, Permission.NOT_SHARING_REVIEW, dataset)
    if question.answered_at is not None:
        raise WrongState
    if not text.strip() or len(text) > 2_000:
        raise InvalidInput(fields={"text": [_("Write the answer, in at most %(limit)s characters.") % {"limit": 2000}]})
    question.answer, question.answered_by, question.answered_at = text.strip(), actor.user, timezone.now()
    question.save()
    lifecycle.note(dataset, "dataset.not_sharing_answered", actor, note=question.answer)
    if question.asked_by is not None:
        _notify([question.asked_by], dataset, NoticeKind.NOT_SHARING_ANSWERED, question.answer)
    return question


def _notify(people: list, dataset: Dataset, kind: NoticeKind, text: str) -> None:
    data = {"title": dataset.title, "department": dataset.provider.name, "note": text}
    department = dataset.provider if kind == NoticeKind.NOT_SHARING_ASKED else reviewing_authority(dataset)
    url = reverse("sharing:negative-record", args=[dataset.pk])
    notify(people, kind, url=url, data=data, department=department)
