"""Notices (站内通知), what each person wants of them by e-mail, webhooks of departments, and what was sent."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.departments.models import Department
from portal.ids import new_id


class NoticeKind(models.TextChoices):
    """What a notice tells; its sentence is made in the reader's language by ``portal.notices.texts``."""

    STEP_OPENED = "step_opened", _("Something to decide")
    STEP_LATE = "step_late", _("Decision overdue")
    STEP_DUE = "step_due", _("Decision due soon")
    STEP_ESCALATED = "step_escalated", _("Decision stays overdue")
    QUESTION_ASKED = "question_asked", _("Question to answer")
    OPINION_ASKED = "opinion_asked", _("Opinion asked for")
    ENQUIRY_ANSWERED = "enquiry_answered", _("Answer to a question")
    DISPUTE_TO_ANSWER = "dispute_to_answer", _("Dispute to answer")
    DISPUTE_CHANGED = "dispute_changed", _("News of a dispute")
    EXTENSION_ASKED = "extension_asked", _("More time asked for")
    EXTENSION_ANSWERED = "extension_answered", _("Answer about more time")
    SUPERVISED = "supervised", _("Supervision notice")
    SUPERVISION_ANSWERED = "supervision_answered", _("Answer to a supervision notice")
    ITEM_RETURNED = "item_returned", _("Returned for changes")
    ITEM_REFUSED = "item_refused", _("Refused")
    ITEM_GRANTED = "item_granted", _("Granted")
    ITEM_OFFERED = "item_offered", _("Approved with conditions")
    REQUEST_COPIED = "request_copied", _("Copy of a request")
    ITEM_CLOSED = "item_closed", _("Closed")
    ITEM_CHANGED = "item_changed", _("Dataset of a request changed")
    REQUEST_REROUTED = "request_rerouted", _("Moved to another route")
    REQUEST_ORPHANED = "request_orphaned", _("Request without applicant")
    STEP_VACANT = "step_vacant", _("Office without anybody")
    COLLEAGUE_INVITED = "colleague_invited", _("Invited to a request")
    QUESTIONS_CHANGED = "questions_changed", _("Questions to applicants changed")
    RESTRICTED = "restricted", _("Put on the restriction list")
    RESTRICTION_STATED = "restriction_stated", _("Statement on a restriction")
    RESTRICTION_LIFTED = "restriction_lifted", _("Restriction lifted")
    LETTER_ISSUED = "letter_issued", _("Letter issued")
    REQUEST_COMPLETED = "request_completed", _("Request completed")
    GRANT_REVOKED = "grant_revoked", _("Grant revoked")
    GRANT_SUSPENDED = "grant_suspended", _("Grant suspended")
    DISCLOSURE_HELD = "disclosure_held", _("Open items held back")
    GRANT_NARROWED = "grant_narrowed", _("Grant narrowed")
    GRANT_MASKED = "grant_masked", _("Grant masked")
    DATASET_TO_REVIEW = "dataset_to_review", _("Catalogue record to review")
    DATASET_RETURNED = "dataset_returned", _("Catalogue record returned")
    DATASET_PUBLISHED = "dataset_published", _("Published")
    DUPLICATE_SETTLED = "duplicate_settled", _("Duplicate settled")
    DATASET_WITHDRAWN = "dataset_withdrawn", _("Withdrawn")
    TABLE_DRIFTED = "table_drifted", _("Data changed unexpectedly")
    PULL_FAILED = "pull_failed", _("Pull from a database failed")
    SEARCH_NEWS = "search_news", _("New in a saved search")
    DEPUTY_NAMED = "deputy_named", _("Deputy named")
    DEPUTY_ENDED = "deputy_ended", _("Deputy ended")
    DUTY_GIVEN = "duty_given", _("Duty given")
    DUTY_ENDED = "duty_ended", _("Duty ended")
    DEPARTMENT_CHANGED = "department_changed", _("Department changed")
    NEW_DEVICE = "new_device", _("New device")
    FACTOR_RESET_ASKED = "factor_reset_asked", _("Reset to confirm")
    FACTOR_RESET = "factor_reset", _("Second factor reset")
    PASSWORD_RESET = "password_reset", _("Password reset")
    DEMAND_TO_ASSIGN = "demand_to_assign", _("Demand to assign")
    DEMAND_TO_ANSWER = "demand_to_answer", _("Demand to answer")
    DEMAND_LATE = "demand_late", _("Demand overdue")
    DEMAND_CHANGED = "demand_changed", _("News of a demand")
    CORRECTION_TO_ANSWER = "correction_to_answer", _("Reported error to answer")
    CORRECTION_DUE = "correction_due", _("Reported error due soon")
    CORRECTION_LATE = "correction_late", _("Reported error overdue")
    CORRECTION_CHANGED = "correction_changed", _("News of a reported error")
    DATA_CORRECTED = "data_corrected", _("Data corrected")
    GRANT_ENDING = "grant_ending", _("Grants end soon")
    RENEWAL_TO_DECIDE = "renewal_to_decide", _("Renewal to decide")
    RENEWAL_DUE = "renewal_due", _("Renewal due soon")
    RENEWAL_LATE = "renewal_late", _("Renewal overdue")
    RENEWAL_DECIDED = "renewal_decided", _("Answer to a renewal")
    REVIEW_OPENED = "review_opened", _("Yearly review of grants")
    REVIEW_REMINDED = "review_reminded", _("Yearly review: reminder")
    REVIEW_WARNED = "review_warned", _("Yearly review: grants will be suspended")
    RESPONSIBILITY_DUE = "responsibility_due", _("Responsibilities soon due")
    RESPONSIBILITY_LATE = "responsibility_late", _("Responsibilities overdue")
    NOT_SHARING_ASKED = "not_sharing_asked", _("Question about a record that is not shared")
    NOT_SHARING_ANSWERED = "not_sharing_answered", _("Answer about a record that is not shared")


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


class NoticeGroup(models.TextChoices):
    """Kinds of notices that a person chooses for together."""

    DECISIONS = "decisions", _("Decisions to make")
    REQUESTS = "requests", _("My requests and grants")
    CATALOGUE = "catalogue", _("Catalogue records")
    ACCOUNT = "account", _("Account and everything else")


class MailChoice(models.TextChoices):
    """When a notice also goes out by e-mail; in the portal it always stands."""

    IMMEDIATE = "immediate", _("At once")
    DIGEST = "digest", _("Once a day")
    NONE = "none", _("Not by e-mail")


class NoticePreference(models.Model):
    """One person's choice for one group; without a row the default of ``preferences.default_choice`` holds."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notice_preferences")
    group = models.CharField(max_length=10, choices=NoticeGroup.choices)
    choice = models.CharField(max_length=10, choices=MailChoice.choices)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "group"], name="one_notice_preference_per_group")]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.group} {self.choice}"


class Webhook(models.Model):
    """Where a department wants the notices of its people; ``sealed_secret`` is encrypted (see ``sealing``)."""

    department = models.OneToOneField(Department, models.CASCADE, related_name="webhook")
    url = models.URLField(_("address"), max_length=400)
    sealed_secret = models.TextField()
    is_active = models.BooleanField(_("active"), default=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("webhook")

    def __str__(self) -> str:
        return f"{self.department}: {self.url}"


class DeliveryChannel(models.TextChoices):
    EMAIL = "email", _("E-mail")
    DIGEST = "digest", _("Daily e-mail")
    WEBHOOK = "webhook", _("Webhook")


class DeliveryState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Failed")
    SKIPPED = "skipped", _("No longer needed")


class Delivery(models.Model):
    """One sending of a notice over one channel; its id goes with a webhook call so that repeats are recognised.

    ``notice`` is empty for a daily e-mail (everything unread of ``user``) and for a test of a webhook.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    channel = models.CharField(_("channel"), max_length=10, choices=DeliveryChannel.choices)
    notice = models.ForeignKey(Notice, models.CASCADE, null=True, related_name="deliveries")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+")
    webhook = models.ForeignKey(Webhook, models.CASCADE, null=True, related_name="deliveries")
    day = models.DateField(null=True)
    state = models.CharField(_("state"), max_length=10, choices=DeliveryState.choices, default=DeliveryState.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("delivery")
        constraints = [
            models.UniqueConstraint(fields=["user", "day"], condition=Q(channel="digest"), name="one_digest_a_day"),
            models.UniqueConstraint(fields=["notice"], condition=Q(channel="email"), name="one_email_per_notice"),
            models.UniqueConstraint(
                fields=["notice", "webhook"], condition=Q(channel="webhook"), name="one_call_per_notice"
            ),
            models.CheckConstraint(
                condition=Q(channel="webhook", webhook__isnull=False, user__isnull=True)
                | Q(channel="email", notice__isnull=False, user__isnull=False, webhook__isnull=True)
                | Q(channel="digest", day__isnull=False, user__isnull=False, webhook__isnull=True),
                name="delivery_has_its_addressee",
            ),
        ]
        indexes = [
            # the system administrator's list, by state, newest first
            models.Index(fields=["state", "-created_at"], name="delivery_by_state"),
            # the last results of a department's webhook
            models.Index(fields=["webhook", "-created_at"], name="delivery_of_webhook"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.state} {self.pk}"
