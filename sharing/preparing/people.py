"""Colleagues who write on a draft without the duty to apply (共同经办人); they do not submit it."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from portal import access
from portal.access import Actor, Permission
from portal.accounts.models import User
from portal.audit import record
from portal.departments.models import Membership
from portal.errors import InvalidInput
from portal.notices.models import NoticeKind
from portal.notices.send import notify
from sharing import workflow
from sharing.models import CoApplicant, SharingRequest


@transaction.atomic
def invite(*, request: SharingRequest, actor: Actor, username: str) -> CoApplicant:
    """Let a colleague of the department write on the request.

    Raises:
        InvalidInput: nobody of this user name holds a duty in the department.
    """
    request = workflow.lock(request.pk)
    actor = access.require(actor, Permission.REQUEST_SUBMIT, request)
    assert actor.user
    user = User.objects.filter(username=username.strip(), is_active=True).first()
    if user is None or not Membership.objects.current().filter(user=user, department=request.department_id).exists():
        message = _("Nobody of your department has this user name.")
        raise InvalidInput(message, fields={"username": [message]})
    made, is_new = CoApplicant.objects.get_or_create(request=request, user=user, defaults={"invited_by": actor.user})
    if is_new:
        record.append(stream=record.stream_of(request), verb="colleague.invited", actor=actor, data={"name": str(user)})
        data = {"title": request.title, "name": str(actor.user)}
        url = request.get_absolute_url()
        notify([user], NoticeKind.COLLEAGUE_INVITED, url=url, data=data, department=request.department)
    return made


@transaction.atomic
def dismiss(*, co_applicant: CoApplicant, actor: Actor) -> None:
    """The colleague does not write on it any more."""
    request = workflow.lock(co_applicant.request_id)
    actor = access.require(actor, Permission.REQUEST_SUBMIT, request)
    data = {"name": str(co_applicant.user)}
    co_applicant.delete()
    record.append(stream=record.stream_of(request), verb="colleague.dismissed", actor=actor, data=data)
