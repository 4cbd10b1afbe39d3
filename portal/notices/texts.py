"""The sentence of a notice, in the reader's language."""

from collections import defaultdict

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.notices.models import Notice, NoticeKind

_SENTENCES: dict[str, str | Promise] = {
    NoticeKind.STEP_OPENED: _("%(department)s asks for data: %(number)s “%(title)s”. Please decide."),
    NoticeKind.STEP_LATE: _("The deadline for %(number)s “%(title)s” has passed. Please decide now."),
    NoticeKind.STEP_DUE: _("%(number)s “%(title)s” is due within a working day. Please decide."),
    NoticeKind.STEP_ESCALATED: _("%(department)s has not decided on %(number)s “%(title)s”, which is overdue."),
    NoticeKind.QUESTION_ASKED: _("%(department)s asks about %(number)s “%(title)s”: %(note)s"),
    NoticeKind.OPINION_ASKED: _("%(department)s asks for your opinion on %(number)s “%(title)s”: %(note)s"),
    NoticeKind.ENQUIRY_ANSWERED: _("Your question on %(number)s “%(title)s” is answered: %(note)s"),
    NoticeKind.DISPUTE_TO_ANSWER: _("Dispute %(number)s over “%(title)s” waits for you. %(note)s"),
    NoticeKind.DISPUTE_CHANGED: _("There is news of dispute %(number)s over “%(title)s”. %(note)s"),
    NoticeKind.EXTENSION_ASKED: _("%(department)s asks for more time to answer %(number)s “%(title)s”: %(note)s"),
    NoticeKind.EXTENSION_ANSWERED: _("More time for %(department)s on %(number)s “%(title)s”: %(note)s"),
    NoticeKind.SUPERVISED: _("Supervision notice %(number)s on “%(title)s”: %(note)s"),
    NoticeKind.SUPERVISION_ANSWERED: _("%(department)s answered supervision notice %(number)s: %(note)s"),
    NoticeKind.ITEM_RETURNED: _("%(department)s returned “%(title)s” in %(number)s for changes: %(note)s"),
    NoticeKind.ITEM_REFUSED: _("%(department)s refused “%(title)s” in %(number)s: %(note)s"),
    NoticeKind.ITEM_GRANTED: _("“%(title)s” in %(number)s is granted. You can use the data now."),
    NoticeKind.ITEM_OFFERED: _(
        "%(department)s agrees to “%(title)s” in %(number)s under conditions. Accept them to use the data. %(note)s"
    ),
    NoticeKind.REQUEST_COPIED: _("A copy for you: %(department)s asks for data, %(number)s “%(title)s”."),
    NoticeKind.ITEM_CLOSED: _("“%(title)s” in %(number)s was closed: %(note)s"),
    NoticeKind.ITEM_CHANGED: _("The dataset “%(title)s” in %(number)s changed. %(note)s"),
    NoticeKind.REQUEST_REROUTED: _("%(number)s “%(title)s” takes another approval route now: %(note)s"),
    NoticeKind.REQUEST_ORPHANED: _(
        "%(number)s “%(title)s” waits for your department, but nobody there applies any more."
    ),
    NoticeKind.STEP_VACANT: _(
        "Nobody in %(department)s holds the duty “%(duty)s”, for which %(number)s “%(title)s” waits."
    ),
    NoticeKind.COLLEAGUE_INVITED: _("%(name)s asks you to help write “%(title)s”."),
    NoticeKind.QUESTIONS_CHANGED: _(
        "%(department)s changed its questions “%(name)s”. Please look at the answers of your draft “%(title)s”."
    ),
    NoticeKind.RESTRICTED: _("%(department)s put “%(title)s” on the restriction list (%(number)s): %(note)s"),
    NoticeKind.RESTRICTION_STATED: _("A statement on the entry %(number)s of the restriction list: %(note)s"),
    NoticeKind.RESTRICTION_LIFTED: _("The entry %(number)s of the restriction list was lifted: %(note)s"),
    NoticeKind.LETTER_ISSUED: _("Letter %(number)s on “%(title)s” was issued."),
    NoticeKind.REQUEST_COMPLETED: _("Every dataset in %(number)s “%(title)s” has its answer."),
    NoticeKind.GRANT_REVOKED: _("The grant of “%(title)s” was revoked: %(note)s"),
    NoticeKind.DISCLOSURE_HELD: _(
        "In the new data of “%(title)s” only %(k)s rows are alike; what tells people apart is hidden from the public."
    ),
    NoticeKind.GRANT_NARROWED: _("“%(title)s” delivers less under your grant: %(note)s"),
    NoticeKind.GRANT_MASKED: _("The provider of “%(title)s” changed what is masked: %(note)s"),
    NoticeKind.GRANT_SUSPENDED: _("The grant of “%(title)s” was suspended: %(note)s"),
    NoticeKind.DATASET_TO_REVIEW: _("The catalogue record “%(title)s” of %(department)s waits for your review."),
    NoticeKind.DATASET_RETURNED: _("The catalogue record “%(title)s” was returned to you: %(note)s"),
    NoticeKind.DATASET_PUBLISHED: _("The catalogue record “%(title)s” is published."),
    NoticeKind.DUPLICATE_SETTLED: _("“%(title)s” and “%(other)s” hold the same data: %(note)s"),
    NoticeKind.DATASET_WITHDRAWN: _("The dataset “%(title)s” was withdrawn: %(note)s"),
    NoticeKind.TABLE_DRIFTED: _(
        "The new data of “%(title)s” differ from those before in %(n)s ways. Please check them."
    ),
    NoticeKind.PULL_FAILED: _(
        "The data of “%(title)s” could not be pulled from %(table)s. See what the database answered."
    ),
    NoticeKind.SEARCH_NEWS: _("New in your search “%(name)s”: %(titles)s"),
    NoticeKind.DEPUTY_NAMED: _("A deputy was named in %(department)s for %(note)s. See who stands in for whom."),
    NoticeKind.DEPUTY_ENDED: _("A deputy's term in %(department)s (%(note)s) was ended."),
    NoticeKind.DUTY_GIVEN: _("You were given a duty in %(department)s: %(duty)s."),
    NoticeKind.DUTY_ENDED: _("Your duty in %(department)s has ended: %(duty)s."),
    NoticeKind.DEPARTMENT_CHANGED: _("%(department)s has changed: %(note)s"),
    NoticeKind.NEW_DEVICE: _(
        "Your account was used on a device not seen before: %(device)s, %(address)s. "
        "If this was not you, end the session and change your password."
    ),
    NoticeKind.FACTOR_RESET_ASKED: _("The second factor of %(name)s is to be reset. Please check and confirm it."),
    NoticeKind.FACTOR_RESET: _(
        "Your second factor was removed by %(first)s and %(second)s. Set up a new one when you next sign in."
    ),
    NoticeKind.PASSWORD_RESET: _("Your password was reset by %(name)s. Choose a new one at your next sign-in."),
    NoticeKind.DEMAND_TO_ASSIGN: _("Demand %(number)s “%(title)s” was submitted. Please name the holder."),
    NoticeKind.DEMAND_TO_ANSWER: _("Demand %(number)s “%(title)s” is with your department. Please answer it: %(note)s"),
    NoticeKind.DEMAND_LATE: _("The deadline for demand %(number)s “%(title)s” has passed. Please answer it now."),
    NoticeKind.DEMAND_CHANGED: _("There is news of demand %(number)s “%(title)s”. %(note)s"),
    NoticeKind.CORRECTION_TO_ANSWER: _("Report %(number)s on “%(title)s” waits for you. %(note)s"),
    NoticeKind.CORRECTION_DUE: _("Report %(number)s on “%(title)s” is due within a working day. Please answer it."),
    NoticeKind.CORRECTION_LATE: _("The deadline for report %(number)s on “%(title)s” has passed. Answer it now."),
    NoticeKind.CORRECTION_CHANGED: _("There is news of your report %(number)s on “%(title)s”. %(note)s"),
    NoticeKind.DATA_CORRECTED: _("“%(title)s”, which your department uses, was corrected: %(note)s"),
    NoticeKind.GRANT_ENDING: _(
        "Grants of %(department)s that end within %(days)s days: “%(title)s”, %(n)s in all. Renew those still needed."
    ),
    NoticeKind.RENEWAL_TO_DECIDE: _("%(department)s asks to go on using “%(title)s”. Please decide."),
    NoticeKind.RENEWAL_DUE: _("The renewal of “%(title)s” for %(department)s is due within a working day."),
    NoticeKind.RENEWAL_LATE: _("The deadline for the renewal of “%(title)s” for %(department)s has passed."),
    NoticeKind.RENEWAL_DECIDED: _("Your renewal of “%(title)s”: %(note)s"),
    NoticeKind.REVIEW_OPENED: _(
        "Yearly review in %(department)s: confirm that “%(title)s” is still used, %(n)s grants in all."
    ),
    NoticeKind.REVIEW_REMINDED: _(
        "Still to be confirmed in the yearly review of %(department)s: “%(title)s”, %(n)s grants in all."
    ),
    NoticeKind.REVIEW_WARNED: _(
        "Grants of %(department)s are suspended on %(day)s unless confirmed: “%(title)s”, %(n)s in all."
    ),
    NoticeKind.RESPONSIBILITY_DUE: _(
        "Soon due in the responsibility list of %(department)s: “%(title)s”, %(n)s in all."
    ),
    NoticeKind.RESPONSIBILITY_LATE: _("Late in the responsibility list of %(department)s: “%(title)s”, %(n)s in all."),
    NoticeKind.NOT_SHARING_ASKED: _("The data authority asks why “%(title)s” is not shared: %(note)s"),
    NoticeKind.NOT_SHARING_ANSWERED: _("%(department)s says why “%(title)s” is not shared: %(note)s"),
}


def outside_words(notice: Notice) -> str:
    """What leaves the portal of a notice: its kind, the number and the title; never a note, which may name people."""
    number, title = (" ".join(str(notice.data.get(name) or "").split()) for name in ("number", "title"))
    return " ".join(filter(None, [f"{notice.get_kind_display()}:", number, title and f"“{title}”"]))


def sentence(notice: Notice) -> str:
    """What the notice says, with empty words where its data lack them."""
    return str(_SENTENCES[notice.kind]) % defaultdict(str, {k: str(v or "") for k, v in notice.data.items()})
