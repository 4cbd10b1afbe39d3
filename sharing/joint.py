"""Joint decisions (会签): several holders of a duty give their word, and the step has what came of them.

An item is agreed to when as many as the stage asks agree, and refused or returned as soon as that cannot be reached any
more. Who is absent for good does not block: only those who hold the duty today, and may decide, are counted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from portal.access import Actor
from portal.departments.models import Membership
from portal.errors import InvalidInput
from sharing.models import ApprovalStep, StepItem, Verdict, Vote
from sharing.rules import Ties
from sharing.terms import Terms

if TYPE_CHECKING:
    from sharing.deciding import Decision


def electors(step: ApprovalStep) -> set[int]:
    """Who gives a word in ``step``: those who hold its duty today and are not bound to the request."""
    rows = Membership.objects.current().filter(department=step.department_id, duty=step.duty)
    people = set(rows.values_list("user_id", flat=True))
    ties = Ties.of(people, [step.request])
    return {person for person in people if not ties.bind([person], step)}


def needed(step: ApprovalStep, people: Collection[int]) -> int:
    """How many of ``people`` must agree: the quorum of the step, or all of them when there are no more."""
    return min(step.quorum, len(people)) if step.quorum else len(people)


@dataclass
class Voting:
    """The words given so far in one step, and how many must agree."""

    people: set[int]
    needed: int
    votes: dict[int, list[Vote]]

    def refuse_second_word(self, actor: Actor, entries: Collection[StepItem]) -> None:
        """InvalidInput when the actor (or the person they stand in for) has spoken on one of these already."""
        voter = actor.on_behalf_of_id or actor.user_id
        if any(vote.voter_id == voter for entry in entries for vote in self.votes.get(entry.pk, [])):
            raise InvalidInput(_("You have given your word on this already; the others have not."))

    def cast(self, actor: Actor, entry: StepItem, decision: Decision, now: dt.datetime) -> Decision | None:
        """Add the actor's word; what came of all of them, or None while that is open."""
        assert actor.user is not None
        vote = Vote(
            entry=entry,
            voter=actor.on_behalf_of or actor.user,
            cast_by=actor.user,
            verdict=decision.verdict,
            reason=decision.reason,
            note=decision.note,
            terms=decision.terms.to_json(),
            at=now,
        )
        votes = self.votes.setdefault(entry.pk, [])
        votes.append(vote)
        agreed = [each for each in votes if each.verdict == Verdict.APPROVE]
        against = [each for each in votes if each.verdict != Verdict.APPROVE]
        if len(agreed) >= self.needed:
            terms = reduce(and_, (Terms.of_json(each.terms) for each in agreed))
            return replace(decision, verdict=Verdict.APPROVE, reason="", note=_notes(agreed), terms=terms, marks=())
        if len(against) <= max(len(self.people), len(votes)) - self.needed:
            return None
        refused = [each for each in against if each.verdict == Verdict.REFUSE]
        said = (refused or against)[-1]
        marks = decision.marks if said.verdict == Verdict.RETURN else ()
        note = _notes(against)
        return replace(decision, verdict=said.verdict, reason=said.reason, note=note, terms=Terms(), marks=marks)


def _notes(votes: Collection[Vote]) -> str:
    return "\n".join(dict.fromkeys(vote.note for vote in votes if vote.note))


def voting(step: ApprovalStep, entries: Collection[StepItem], votes: dict[int, list[Vote]]) -> Voting:
    """The words given in ``step``; those not in ``votes`` yet are read into it."""
    keys = [entry.pk for entry in entries if entry.pk not in votes]
    votes.update({key: [] for key in keys})
    for vote in Vote.objects.filter(entry__in=keys).order_by("at", "id"):
        votes[vote.entry_id].append(vote)
    people = electors(step)
    return Voting(people, needed(step, people), votes)
