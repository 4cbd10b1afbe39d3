"""What helps to put a request together: a department's templates, attachments, and colleagues who write with one."""

from __future__ import annotations

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.departments.models import Department
from portal.ids import new_id
from sharing.models.request import SharingRequest


class RequestTemplate(models.Model):
    """What a department's requests of one kind state (申请模板): the fields of ``drafts.RequestDetails``, no items."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    department = models.ForeignKey(Department, models.CASCADE, related_name="request_templates")
    name = models.CharField(_("name"), max_length=60)
    details = models.JSONField(encoder=DjangoJSONEncoder)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    modified = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("request template")
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["department", "name"], name="template_once_in_department")]

    def __str__(self) -> str:
        return self.name


class RequestAttachment(models.Model):
    """A paper that goes with a request (申请附件); the file lies in the uploads folder under its own id."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    request = models.ForeignKey(SharingRequest, models.CASCADE, related_name="attachments")
    name = models.CharField(_("file"), max_length=200)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    """Null for an applicant from outside."""
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("attachment")
        ordering = ["added_at", "id"]

    def __str__(self) -> str:
        return self.name


class CoApplicant(models.Model):
    """A colleague of the applicant's department who may write on a draft without the duty to apply (共同经办人)."""

    request = models.ForeignKey(SharingRequest, models.CASCADE, related_name="co_applicants")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    invited_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("co-applicant")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["request", "user"], name="co_applicant_once")]

    def __str__(self) -> str:
        return f"{self.user} · {self.request_id}"
