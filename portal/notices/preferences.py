"""What each person wants by e-mail, by group of kinds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db import transaction

from portal.accounts.models import User
from portal.notices.models import MailChoice, NoticeGroup, NoticeKind, NoticePreference

_GROUPS: dict[str, NoticeGroup] = {
    NoticeKind.STEP_OPENED: NoticeGroup.DECISIONS,
    NoticeKind.STEP_LATE: NoticeGroup.DECISIONS,
    NoticeKind.STEP_DUE: NoticeGroup.DECISIONS,
    NoticeKind.STEP_ESCALATED: NoticeGroup.DECISIONS,
    NoticeKind.EXTENSION_ASKED: NoticeGroup.DECISIONS,
    NoticeKind.EXTENSION_ANSWERED: NoticeGroup.DECISIONS,
    NoticeKind.SUPERVISED: NoticeGroup.DECISIONS,
    NoticeKind.SUPERVISION_ANSWERED: NoticeGroup.DECISIONS,
    NoticeKind.DATASET_TO_REVIEW: NoticeGroup.DECISIONS,
    NoticeKind.ITEM_RETURNED: NoticeGroup.REQUESTS,
    NoticeKind.ITEM_REFUSED: NoticeGroup.REQUESTS,
    NoticeKind.ITEM_GRANTED: NoticeGroup.REQUESTS,
    NoticeKind.ITEM_CLOSED: NoticeGroup.REQUESTS,
    NoticeKind.ITEM_CHANGED: NoticeGroup.REQUESTS,
    NoticeKind.REQUEST_REROUTED: NoticeGroup.REQUESTS,
    NoticeKind.REQUEST_ORPHANED: NoticeGroup.DECISIONS,
    NoticeKind.STEP_VACANT: NoticeGroup.DECISIONS,
    NoticeKind.COLLEAGUE_INVITED: NoticeGroup.REQUESTS,
    NoticeKind.QUESTIONS_CHANGED: NoticeGroup.REQUESTS,
    NoticeKind.RESTRICTED: NoticeGroup.REQUESTS,
    NoticeKind.RESTRICTION_STATED: NoticeGroup.DECISIONS,
    NoticeKind.RESTRICTION_LIFTED: NoticeGroup.REQUESTS,
    NoticeKind.LETTER_ISSUED: NoticeGroup.REQUESTS,
    NoticeKind.QUESTION_ASKED: NoticeGroup.REQUESTS,
    NoticeKind.OPINION_ASKED: NoticeGroup.DECISIONS,
    NoticeKind.ENQUIRY_ANSWERED: NoticeGroup.DECISIONS,
    NoticeKind.DISPUTE_TO_ANSWER: NoticeGroup.DECISIONS,
    NoticeKind.DISPUTE_CHANGED: NoticeGroup.REQUESTS,
    NoticeKind.ITEM_OFFERED: NoticeGroup.REQUESTS,
    NoticeKind.REQUEST_COPIED: NoticeGroup.REQUESTS,
    NoticeKind.REQUEST_COMPLETED: NoticeGroup.REQUESTS,
    NoticeKind.GRANT_REVOKED: NoticeGroup.REQUESTS,
    NoticeKind.GRANT_SUSPENDED: NoticeGroup.REQUESTS,
    NoticeKind.GRANT_NARROWED: NoticeGroup.REQUESTS,
    NoticeKind.GRANT_MASKED: NoticeGroup.REQUESTS,
    NoticeKind.DATASET_RETURNED: NoticeGroup.CATALOGUE,
    NoticeKind.DATASET_PUBLISHED: NoticeGroup.CATALOGUE,
    NoticeKind.DUPLICATE_SETTLED: NoticeGroup.CATALOGUE,
    NoticeKind.DATASET_WITHDRAWN: NoticeGroup.CATALOGUE,
    NoticeKind.TABLE_DRIFTED: NoticeGroup.CATALOGUE,
    NoticeKind.DISCLOSURE_HELD: NoticeGroup.CATALOGUE,
    NoticeKind.PULL_FAILED: NoticeGroup.CATALOGUE,
    NoticeKind.SEARCH_NEWS: NoticeGroup.CATALOGUE,
    NoticeKind.DEMAND_TO_ASSIGN: NoticeGroup.DECISIONS,
    NoticeKind.DEMAND_TO_ANSWER: NoticeGroup.DECISIONS,
    NoticeKind.DEMAND_LATE: NoticeGroup.DECISIONS,
    NoticeKind.DEMAND_CHANGED: NoticeGroup.REQUESTS,
    NoticeKind.CORRECTION_TO_ANSWER: NoticeGroup.DECISIONS,
    NoticeKind.CORRECTION_DUE: NoticeGroup.DECISIONS,
    NoticeKind.CORRECTION_LATE: NoticeGroup.DECISIONS,
    NoticeKind.CORRECTION_CHANGED: NoticeGroup.REQUESTS,
    NoticeKind.DATA_CORRECTED: NoticeGroup.REQUESTS,
    NoticeKind.GRANT_ENDING: NoticeGroup.REQUESTS,
    NoticeKind.RENEWAL_TO_DECIDE: NoticeGroup.DECISIONS,
    NoticeKind.RENEWAL_DUE: NoticeGroup.DECISIONS,
    NoticeKind.RENEWAL_LATE: NoticeGroup.DECISIONS,
    NoticeKind.RENEWAL_DECIDED: NoticeGroup.REQUESTS,
    NoticeKind.REVIEW_OPENED: NoticeGroup.REQUESTS,
    NoticeKind.REVIEW_REMINDED: NoticeGroup.REQUESTS,
    NoticeKind.REVIEW_WARNED: NoticeGroup.DECISIONS,
    NoticeKind.RESPONSIBILITY_DUE: NoticeGroup.CATALOGUE,
    NoticeKind.RESPONSIBILITY_LATE: NoticeGroup.DECISIONS,
    NoticeKind.NOT_SHARING_ASKED: NoticeGroup.DECISIONS,
    NoticeKind.NOT_SHARING_ANSWERED: NoticeGroup.CATALOGUE,
}


def group_of(kind: str) -> NoticeGroup:
    """The group of a kind; kinds that no group names belong to the account."""
    return _GROUPS.get(kind, NoticeGroup.ACCOUNT)


def default_choice(group: str) -> MailChoice:
    """At once for decisions, once a day for the rest."""
    return MailChoice.IMMEDIATE if group == NoticeGroup.DECISIONS else MailChoice.DIGEST


def choices_of(users: Iterable[int]) -> dict[tuple[int, str], str]:
    """The rows of these people, by (person, group): one query."""
    rows = NoticePreference.objects.filter(user__in=list(users)).values_list("user_id", "group", "choice")
    return {(user, group): choice for user, group, choice in rows}


def choice_for(user_id: int, kind: str, chosen: Mapping[tuple[int, str], str]) -> str:
    """What a person wants of a kind, given ``choices_of``."""
    group = group_of(kind)
    return chosen.get((user_id, group), default_choice(group))


@transaction.atomic
def choose(*, user: User, choices: Mapping[str, str]) -> None:
    """Keep one's own choices, group → choice."""
    rows = [NoticePreference(user=user, group=group, choice=choice) for group, choice in choices.items()]
    NoticePreference.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["user", "group"], update_fields=["choice"]
    )
