"""Why somebody can, or can't, see a dataset: the rules that are asked, one by one, with what each says."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from catalog.models import AccessException, DataItem, Dataset
from catalog.rules import VIEW_RULES, preview, reviewing_authority
from portal.access import Actor, Standing
from portal.accounts.models import User
from portal.departments.models import Duty, Membership


@dataclass(frozen=True)
class Check:
    """One rule: its name, whether it lets the person see the record, and a sentence that says why."""

    rule: str
    holds: bool
    sentence: str


@dataclass(frozen=True)
class Explanation:
    """The answer, the rules in the order in which they are asked, and facts about the person that bear on them."""

    person: User
    may_view: bool
    checks: list[Check]
    decisive: Check | None
    facts: list[str] = field(default_factory=list)


def explain(person: User, dataset: Dataset) -> Explanation:
    """Ask ``catalog.rules.VIEW_RULES`` for ``person`` today, as ``has_perm`` does, and say what each answers."""
    actor = Actor.of(person)
    standing = actor.standing
    checks = [Check(name, rule(standing, dataset), _sentence(name, standing, dataset)) for name, rule in VIEW_RULES]
    decisive = next((check for check in checks if check.holds), None)
    return Explanation(person, decisive is not None, checks, decisive, _facts(actor, person, dataset))


def _sentence(rule: str, standing: Standing, dataset: Dataset) -> str:
    authority = reviewing_authority(dataset)
    words = {
        "state": dataset.get_state_display(),
        "open": dataset.get_open_type_display(),
        "provider": dataset.provider.name,
        "authority": authority.name if authority else "—",
        "duties": len(standing.duties),
    }
    sentences = {
        "public": _("Everybody sees published open data. This record: %(state)s, %(open)s."),
        "civil_servants": _(
            "Whoever holds a duty sees published records. This record: %(state)s; duties of the person: %(duties)s."
        ),
        "provider": _("The provider's own people see its records. Provider: %(provider)s."),
        "authority": _(
            "The data authority sees records that it reviews or that were withdrawn. Authority: %(authority)s; "
            "this record: %(state)s."
        ),
    }
    return sentences[rule] % words if rule in sentences else _exceptions(standing, dataset)


def _exceptions(standing: Standing, dataset: Dataset) -> str:
    rows = AccessException.objects.standing().filter(dataset=dataset).select_related("department", "given_by")
    own = next((row for row in rows if row.group_id in standing.group_ids), None)
    if own:
        words = {
            "department": own.department.name,
            "duty": own.get_duty_display(),
            "by": own.given_by,
            "until": own.valid_until,
            "reason": own.reason,
        }
        return _("Exception for %(department)s · %(duty)s, given by %(by)s until %(until)s: %(reason)s") % words
    return _("An exception for one of the person's duties. Exceptions for this record: %(n)s.") % {"n": len(rows)}


def _facts(actor: Actor, person: User, dataset: Dataset) -> list[str]:
    facts = []
    if not person.is_active:
        facts.append(_("The account is disabled: nothing but open data can be seen."))
    if person.admin_role:
        facts.append(_("An administrator holds no duty and sees no records."))
    for row in Membership.objects.filter(user=person).select_related("department").order_by("-valid_from")[:20]:
        words = {"department": row.department.name, "duty": Duty(row.duty).label, "until": row.valid_until}
        if (row.department_id, row.duty) in actor.standing.duties:
            facts.append(_("Holds: %(department)s · %(duty)s") % words)
        else:
            facts.append(_("Held until %(until)s: %(department)s · %(duty)s") % words)
    facts += [_("Deputy of %(who)s") % {"who": principal} for principal in actor.principals]
    total = DataItem.objects.filter(dataset=dataset).count()
    seen = {"n": len(preview(actor, dataset).columns), "total": total}
    facts.append(_("Rows on the catalogue's pages, without a grant: %(n)s of %(total)s items.") % seen)
    return facts
