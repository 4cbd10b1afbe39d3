"""Written supervision notices (督办): the authority asks an office about a late step, the office answers."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.calendars.terms import HasTerm
from portal.departments.models import Department
from sharing.models.step import ApprovalStep


class SupervisionNotice(HasTerm):
    """One notice on one step, with the day by which it is answered, and the answer."""

    number = models.CharField(_("number"), max_length=20, unique=True)
    step = models.ForeignKey(ApprovalStep, models.CASCADE, related_name="supervisions")
    authority = models.ForeignKey(Department, models.PROTECT, related_name="+")
    issued_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    issued_at = models.DateTimeField(auto_now_add=True)
    text = models.TextField(_("text"), max_length=2000)
    due_at = models.DateTimeField()
    answer = models.TextField(_("answer"), max_length=2000, blank=True)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("supervision notice")
        ordering = ["-issued_at", "-id"]
        indexes = [models.Index(fields=["authority", "-issued_at"], name="supervision_of_authority")]

    def __str__(self) -> str:
        return self.number
