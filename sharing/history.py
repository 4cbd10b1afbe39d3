"""The events of requests and grants in words."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from catalog.history import Line, line_of
from portal.audit.models import Event
from portal.lists import listed

LIMIT = 200

SENTENCES: dict[str, str | Promise] = {
    "request.created": _("created the draft “%(title)s”"),
    "request.updated": _("changed the request"),
    "request.items_added": _("added datasets"),
    "request.item_removed": _("removed a dataset"),
    "item.changed": _("changed the items or rows asked for"),
    "request.submitted": _("submitted the request as %(number)s"),
    "request.resubmitted": _("submitted the returned items again"),
    "request.withdrawn": _("withdrew the request: %(reason)s"),
    "enquiry.asked": _("asked for %(department)s: %(note)s"),
    "enquiry.answered": _("answered %(department)s: %(note)s"),
    "enquiry.taken_back": _("took the question back: %(note)s"),
    "opinion.asked": _("asked %(department)s for its opinion: %(note)s"),
    "opinion.given": _("gave the opinion of %(department)s: %(note)s"),
    "opinion.taken_back": _("took the request for an opinion back: %(note)s"),
    "note.added": _("wrote an internal note: %(note)s"),
    "step.claimed": _("took the step in hand"),
    "step.released": _("gave the step back"),
    "attachment.added": _("attached %(name)s"),
    "attachment.removed": _("took the attachment %(name)s away"),
    "colleague.invited": _("invited %(name)s to write on it"),
    "colleague.dismissed": _("%(name)s does not write on it any more"),
    "step.forwarded": _("forwarded a step from %(from)s to %(to)s: %(note)s"),
    "form.created": _("began the questions “%(title)s”"),
    "form.drafted": _("began version %(number)s"),
    "form.changed": _("changed the draft"),
    "form.published": _("published version %(number)s %(note)s"),
    "form.attached": _("attached it to “%(title)s”"),
    "form.detached": _("took it off “%(title)s”"),
    "form.moved": _("moved it from %(from)s to %(to)s"),
    "request.answers_saved": _("answered the questions “%(title)s”"),
    "restriction.entered": _("entered it: %(note)s"),
    "restriction.stated": _("stated their view: %(note)s"),
    "restriction.lifted": _("lifted it: %(note)s"),
    "restriction.moved": _("moved it from %(from)s to %(to)s"),
    "letter.issued": _("issued the letter %(letter)s"),
    "letter.confirmed": _("confirmed the letter %(letter)s"),
    "dispute.opened": _("contested the decision"),
    "dispute.said": _("made a statement for %(department)s"),
    "dispute.moved_up": _("handed it to %(authority)s"),
    "dispute.settled": _("settled it: %(note)s"),
    "dispute.overturned": _("the decision was overturned in dispute %(number)s: %(note)s"),
    "extension.asked": _("asked for %(days)s more working days for %(department)s: %(note)s"),
    "extension.given": _("gave %(department)s %(days)s more working days %(note)s"),
    "extension.denied": _("gave %(department)s no more time: %(note)s"),
    "applicant.forgotten": _("deleted how to reach the applicant"),
    "supervision.issued": _("issued the supervision notice %(number)s: %(note)s"),
    "supervision.answered": _("answered the supervision notice %(number)s: %(note)s"),
    "request.moved": _("moved it from %(from)s to %(to)s"),
    "step.decided": _("decided: %(summary)s"),
    "step.voted": _("gave their word: %(summary)s"),
    "terms.accepted": _("accepted the conditions for “%(title)s”"),
    "terms.declined": _("gave up “%(title)s” because of its conditions"),
    "item.closed": _("an item was closed: %(reason)s"),
    "item.narrowed": _("“%(title)s” asks for less now: %(note)s"),
    "item.reopened": _("“%(title)s” is looked at again: %(note)s"),
    "request.rerouted": _("moved the request from %(from)s to %(to)s: %(reason)s"),
    "grant.issued": _("issued the grant"),
    "grant.moved": _("moved it from %(from)s to %(to)s"),
    "grant.suspended": _("suspended the grant: %(reason)s"),
    "grant.masked": _("changed the masks of the grant: %(reason)s"),
    "grant.resumed": _("resumed the grant"),
    "grant.revoked": _("revoked the grant: %(reason)s"),
    "grant.held": _("took the suspension of the grant over: %(reason)s"),
    "grant.renewal_asked": _("asked to renew the grant until %(until)s: %(note)s"),
    "grant.renewed": _("renewed the grant until %(until)s"),
    "grant.renewal_refused": _("refused the renewal: %(reason)s"),
    "grant.renewal_withdrawn": _("withdrew the renewal"),
    "grant.renewal_lapsed": _("the renewal lapsed with the grant"),
    "grant.review_opened": _("the yearly review began; to be confirmed by %(due)s"),
    "grant.reviewed": _("confirmed in the yearly review that the data are still used %(note)s"),
    "grant.review_missed": _("the use was not confirmed in the yearly review"),
    "grant.review_ended": _("the yearly review ended"),
    "correction.filed": _("reported an error as %(number)s"),
    "correction.extended": _("extended the time to answer: %(note)s"),
    "correction.handed_on": _("handed it on to %(holder)s: %(note)s"),
    "correction.answered": _("answered: %(note)s"),
    "correction.confirmed": _("the report is closed"),
    "correction.objected": _("objected: %(note)s"),
    "correction.upheld": _("upheld the answer: %(note)s"),
    "correction.sent_back": _("sent it back to the holder: %(note)s"),
    "correction.withdrawn": _("withdrew the report"),
    "correction.moved": _("moved it from %(from)s to %(to)s"),
    "correction.address_deleted": _("the e-mail address was deleted"),
    "credential.created": _("created the key %(prefix)s…"),
    "credential.withdrawn": _("withdrew the key %(prefix)s…"),
    "demand.submitted": _("asked for the data as %(number)s"),
    "demand.joined": _("%(department)s needs it, too"),
    "demand.assigned": _("named the holder: %(holder)s %(note)s"),
    "demand.rejected": _("did not take it up: %(note)s"),
    "demand.merged": _("merged it with %(into)s"),
    "demand.accepted": _("promised the data for %(day)s %(note)s"),
    "demand.declined": _("declined: %(note)s"),
    "demand.linked": _("linked the dataset “%(title)s”"),
    "demand.confirmed": _("the demand is fulfilled"),
    "demand.objected": _("objected: %(note)s"),
    "demand.withdrawn": _("withdrew the demand"),
    "demand.reminded": _("reminded %(holder)s"),
    "demand.released": _("showed it to the public"),
    "demand.unreleased": _("took it out of the public list"),
    "demand.moved": _("moved it from %(from)s to %(to)s"),
    "demand.address_deleted": _("the e-mail address was deleted"),
}


def _counted(verdict: str | Promise, n: int) -> str:
    words = ngettext("%(verdict)s (%(n)s dataset)", "%(verdict)s (%(n)s datasets)", n)
    return words % {"verdict": verdict, "n": n}


def lines(stream: str) -> list[Line]:
    """The newest events of a stream, newest first; decisions say what was decided on how many items."""
    from sharing.models import Verdict

    rows = []
    for event in Event.objects.filter(stream=stream).select_related("actor", "on_behalf_of").order_by("-seq")[:LIMIT]:
        decisions = (event.data.get("decisions") or event.data.get("votes") or {}).values()
        counts = [(v.label, sum(d["verdict"] == v.value for d in decisions)) for v in Verdict]
        notes = list(dict.fromkeys(d["note"] for d in decisions if d.get("note")))
        event.data["summary"] = listed([*(_counted(label, n) for label, n in counts if n), *notes])
        rows.append(line_of(event, SENTENCES))
    return rows
