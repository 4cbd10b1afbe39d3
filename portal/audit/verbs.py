"""What the acts in the record are called, in the reader's language."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

LABELS: dict[str, str | Promise] = {
    "session.started": _("Signed in"),
    "session.ended": _("Signed out"),
    "session.refused": _("Sign-in failed"),
    "account.enabled": _("Account enabled"),
    "account.disabled": _("Account disabled"),
    "duty.assigned": _("Duty given"),
    "duty.ended": _("Duty ended"),
    "deputy.named": _("Deputy named"),
    "deputy.ended": _("Deputy ended"),
    "exception.given": _("Exception given"),
    "exception.ended": _("Exception ended"),
    "exception.expired": _("Exception ran out"),
    "rights.reviewed": _("Rights reviewed"),
    "audit.archived": _("Month archived"),
    "dataset.created": _("Record created"),
    "dataset.updated": _("Record changed"),
    "dataset.submitted": _("Record submitted"),
    "dataset.reviewed": _("Record agreed by the department"),
    "dataset.published": _("Record published"),
    "dataset.returned": _("Record returned"),
    "dataset.withdrawn": _("Record withdrawn"),
    "dataset.imported": _("Record imported"),
    "table.upload": _("File uploaded"),
    "table.loaded": _("Data loaded"),
    "request.created": _("Request created"),
    "request.updated": _("Request changed"),
    "request.items_added": _("Datasets added to a request"),
    "request.item_removed": _("Dataset removed from a request"),
    "request.submitted": _("Request submitted"),
    "request.resubmitted": _("Request submitted again"),
    "request.withdrawn": _("Request withdrawn"),
    "item.changed": _("Request item changed"),
    "item.closed": _("Request item closed"),
    "step.decided": _("Step decided"),
    "grant.issued": _("Grant issued"),
    "grant.suspended": _("Grant suspended"),
    "grant.resumed": _("Grant resumed"),
    "grant.revoked": _("Grant revoked"),
    "credential.created": _("Key created"),
    "credential.withdrawn": _("Key withdrawn"),
}
GROUPS: dict[str, str | Promise] = {
    "session.": _("Sign-ins"),
    "account.": _("Accounts"),
    "duty.": _("Duties"),
    "deputy.": _("Deputies"),
    "exception.": _("Exceptions"),
    "rights.": _("Reviews of rights"),
    "dataset.": _("Catalogue records"),
    "table.": _("Tables"),
    "request.": _("Requests"),
    "item.": _("Request items"),
    "step.": _("Decisions"),
    "grant.": _("Grants"),
    "credential.": _("Keys"),
    "audit.": _("Audit"),
}


def label(verb: str) -> str:
    """An act in words; the verb itself when it has none."""
    return str(LABELS.get(verb, verb))
