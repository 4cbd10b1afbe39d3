"""The acts on a report as pages offer them: which form, which words, which function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal import access
from portal.access import Actor, Permission
from sharing.corrections import answers, forms, reports
from sharing.demands.forms import ObjectForm, SeenForm
from sharing.models import CorrectionReport, CorrectionState

S = CorrectionState


@dataclass(frozen=True)
class Deed:
    """One act: in which ``states``, with which permission, and what its page says."""

    title: str | Promise
    done: str | Promise
    form: type[SeenForm]
    run: Callable[..., CorrectionReport]
    permission: Permission
    states: tuple[str, ...]
    lead: str | Promise = ""
    tone: str = ""


DEEDS: dict[str, Deed] = {
    "answer": Deed(
        _("Answer"),
        _("The answer was sent. Who holds the data is told of what was corrected."),
        forms.AnswerForm,
        answers.answer,
        Permission.CORRECTION_ANSWER,
        (S.FILED,),
        _("The reporter may object once; the data authority settles it then."),
        "is-primary",
    ),
    "extend": Deed(
        _("Take more time"),
        _("The time was extended; the reporter was told why."),
        forms.ExtendForm,
        answers.extend,
        Permission.CORRECTION_ANSWER,
        (S.FILED,),
        _("Once, by as many working days as you had."),
    ),
    "hand-on": Deed(
        _("Hand on"),
        _("Handed on. The department has its days from today."),
        forms.HandOnForm,
        answers.hand_on,
        Permission.CORRECTION_ANSWER,
        (S.FILED,),
        _("To the department that really holds the data, or the dataset that they come from."),
    ),
    "confirm": Deed(
        _("The answer is good"),
        _("The report is closed."),
        SeenForm,
        reports.confirm,
        Permission.CORRECTION_FOLLOW,
        (S.ANSWERED,),
        _("The report is closed."),
        "is-primary",
    ),
    "object": Deed(
        _("Object"),
        _("Your objection was sent to the data authority."),
        ObjectForm,
        reports.object_to,
        Permission.CORRECTION_FOLLOW,
        (S.ANSWERED,),
        _("The data authority settles it: it upholds the answer, or has the report answered anew."),
    ),
    "withdraw": Deed(
        _("Withdraw the report"),
        _("The report is withdrawn."),
        SeenForm,
        reports.withdraw,
        Permission.CORRECTION_FOLLOW,
        (S.FILED, S.OBJECTED),
        _("Nobody works on it any more. This cannot be undone."),
        "is-danger",
    ),
    "send-back": Deed(
        _("Have it answered anew"),
        _("Sent back. The holder has its days from today."),
        forms.RulingForm,
        partial(reports.settle, is_upheld=False),
        Permission.CORRECTION_SETTLE,
        (S.OBJECTED,),
        _("The holder answers once more; that answer is final."),
        "is-primary",
    ),
    "uphold": Deed(
        _("Uphold the answer"),
        _("Settled. Both sides read your reasons."),
        forms.RulingForm,
        partial(reports.settle, is_upheld=True),
        Permission.CORRECTION_SETTLE,
        (S.OBJECTED,),
        _("The report is closed with the holder's answer."),
    ),
}


def open_to(actor: Actor, report: CorrectionReport) -> list[tuple[str, Deed]]:
    """The acts that ``actor`` may do on this report now, in order."""
    permissions = {deed.permission for deed in DEEDS.values()}
    may = {permission for permission in permissions if access.can(actor, permission, report)}
    found = [(key, deed) for key, deed in DEEDS.items() if deed.permission in may and report.state in deed.states]
    hidden = {"object"} if report.was_objected else set()
    if report.extension_reason:
        hidden.add("extend")
    if report.hand_ons >= answers.HAND_ONS:
        hidden.add("hand-on")
    return [(key, deed) for key, deed in found if key not in hidden]


def prepared(deed: Deed, report: CorrectionReport, data: Any) -> SeenForm:
    """The form of an act on ``report``, with what was typed."""
    form = deed.form(data or None, initial={"seen_version": report.version})
    if isinstance(form, forms.AnswerForm):
        form.offer(answers.versions_of(report))
    return form
