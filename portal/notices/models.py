"""In-app notices (站内通知)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class NoticeKind(models.TextChoices):
    """What a notice tells; its sentence is made in the reader's language by ``portal.notices.texts``."""

    STEP_OPENED = "step_opened", _("Something to decide")
    STEP_LATE = "step_late", _("Decision overdue")
    ITEM_RETURNED = "item_returned", _("Returned for changes")
    ITEM_REFUSED = "item_refused", _("Refused")
    ITEM_GRANTED = "item_granted", _("Granted")
    ITEM_CLOSED = "item_closed", _("Closed")
    REQUEST_COMPLETED = "request_completed", _("Request completed")
    GRANT_REVOKED = "grant_revoked", _("Grant revoked")
    GRANT_SUSPENDED = "grant_suspended", _("Grant suspended")
    DATASET_TO_REVIEW = "dataset_to_review", _("Catalogue record to review")
    DATASET_RETURNED = "dataset_returned", _("Catalogue record returned")
    DATASET_PUBLISHED = "dataset_published", _("Published")
    DATASET_WITHDRAWN = "dataset_withdrawn", _("Withdrawn")
    DEPUTY_NAMED = "deputy_named", _("Deputy named")
    DEPUTY_ENDED = "deputy_ended", _("Deputy ended")


class NoticeQuerySet(models.QuerySet["Notice"]):
    def unread(self) -> NoticeQuerySet:
        return self.filter(read_at__isnull=True)


class Notice(models.Model):
    """One notice to one person; ``data`` holds the words its sentence needs (title, number, name)."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=30, choices=NoticeKind.choices)
    data = models.JSONField(default=dict)
    url = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        verbose_name = _("notice")
        indexes = [
            # a person's list, newest first
            models.Index(fields=["user", "-created_at", "-id"], name="notice_newest"),
            # the unread count in every page's head
            models.Index(fields=["user"], condition=Q(read_at__isnull=True), name="notice_unread"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.kind}"
