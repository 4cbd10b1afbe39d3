"""Who is told about a demand, and how: notices to people with an account, e-mails to citizens."""

from __future__ import annotations

from django.db.models import Q

from catalog.rules import REVIEW_DUTIES
from portal.accounts.models import User
from portal.departments.duties import holders
from portal.departments.models import AUTHORITY_DUTIES, Department
from portal.notices.models import NoticeKind
from portal.notices.send import notify
from sharing.models import Demand


def _people(department: Department | None, duties: object) -> list[User]:
    return [user for duty in duties for user in holders(department, duty)] if department else []  # type: ignore[attr-defined]


def _send(people: list[User], demand: Demand, kind: NoticeKind, office: Department | None, text: str = "") -> None:
    data = {
        "number": demand.number,
        "title": demand.title,
        "note": text,
    }
    notify(people, kind, url=demand.get_absolute_url(), data=data, department=office)


def tell_authority(demand: Demand, kind: NoticeKind = NoticeKind.DEMAND_TO_ASSIGN) -> None:
    """The authority has the turn."""
    _send(_people(demand.authority, AUTHORITY_DUTIES), demand, kind, demand.authority)


def tell_holder(demand: Demand, text: str, kind: NoticeKind = NoticeKind.DEMAND_TO_ANSWER) -> None:
    """The holder has the turn."""
    _send(_people(demand.holder, REVIEW_DUTIES), demand, kind, demand.holder, text)


def tell_office(demand: Demand, text: str) -> None:
    """Whoever dealt with it last hears what the asker did."""
    office, duties = (demand.holder, REVIEW_DUTIES) if demand.holder else (demand.authority, AUTHORITY_DUTIES)
    _send(_people(office, duties), demand, NoticeKind.DEMAND_CHANGED, office, text)


def tell_askers(demand: Demand, text: str) -> None:
    """Who asked, who joined, and the citizens whose demands were merged into it."""
    from sharing.demands.tasks import mail_citizen

    people = [one.user for one in demand.supporters.select_related("user")]
    if demand.created_by is not None:
        people.append(demand.created_by)
    _send(people, demand, NoticeKind.DEMAND_CHANGED, demand.department, text)
    addressed = Demand.objects.filter(Q(pk=demand.pk) | Q(merged_into=demand)).exclude(sealed_email="")
    for pk in addressed.values_list("pk", flat=True):
        mail_citizen.defer(demand_id=str(pk))
