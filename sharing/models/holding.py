"""Keeping a grant: its renewal before the end (续期), and the yearly review of its use (年度复核)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.access import Standing
from portal.calendars.terms import HasTerm
from portal.ids import new_id
from sharing.models.grant import Grant


class RenewalState(models.TextChoices):
    PENDING = "pending", pgettext_lazy("renewal", "With the provider")
    GRANTED = "granted", pgettext_lazy("renewal", "Renewed")
    REFUSED = "refused", pgettext_lazy("renewal", "Refused")
    WITHDRAWN = "withdrawn", pgettext_lazy("renewal", "Withdrawn")
    LAPSED = "lapsed", pgettext_lazy("renewal", "Lapsed: the grant was revoked")


class RenewalQuerySet(models.QuerySet["GrantRenewal"]):
    def readable_by(self, standing: Standing) -> RenewalQuerySet:
        """Renewals of the grants that one may read."""
        return self.filter(grant__in=Grant.objects.readable_by(standing))

    def pending(self) -> RenewalQuerySet:
        return self.filter(state=RenewalState.PENDING)


class GrantRenewal(HasTerm):
    """A department goes on using a grant whose content stays as it is; ``until`` is the new last day."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    grant = models.ForeignKey(Grant, models.PROTECT, related_name="renewals")
    former_until = models.DateField()
    until = models.DateField(_("until"))
    statement = models.CharField(_("how the data are used"), max_length=500)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    state = models.CharField(_("state"), max_length=10, choices=RenewalState.choices, default=RenewalState.PENDING)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    warned_at = models.DateTimeField(null=True)
    reminded_at = models.DateTimeField(null=True)

    objects = RenewalQuerySet.as_manager()

    class Meta:
        verbose_name = _("renewal")
        constraints = [
            models.UniqueConstraint(
                fields=["grant"], condition=Q(state="pending"), name="one_pending_renewal_of_a_grant"
            ),
            models.CheckConstraint(condition=Q(until__gt=models.F("former_until")), name="renewal_is_longer"),
        ]
        indexes = [
            # what waits, the next deadline first, and what is late
            models.Index(fields=["due_at", "id"], condition=Q(state="pending"), name="renewal_waiting"),
            # all of them, newest first
            models.Index(fields=["-created_at", "-id"], name="renewal_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.grant} → {self.until}"

    def get_absolute_url(self) -> str:
        return reverse("sharing:grant-detail", args=[self.grant_id])


class ReviewState(models.TextChoices):
    OPEN = "open", pgettext_lazy("review", "To be confirmed")
    CONFIRMED = "confirmed", pgettext_lazy("review", "Confirmed")
    MISSED = "missed", pgettext_lazy("review", "Not confirmed, suspended")
    ENDED = "ended", pgettext_lazy("review", "Ended with the grant")


UNCONFIRMED = (ReviewState.OPEN, ReviewState.MISSED)


class ReviewQuerySet(models.QuerySet["GrantReview"]):
    def readable_by(self, standing: Standing) -> ReviewQuerySet:
        """Reviews of the grants that one may read."""
        return self.filter(grant__in=Grant.objects.readable_by(standing))

    def unconfirmed(self) -> ReviewQuerySet:
        return self.filter(state__in=UNCONFIRMED)


class GrantReview(models.Model):
    """One yearly review of a running grant: the department confirms the use, or the grant is suspended."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    grant = models.ForeignKey(Grant, models.PROTECT, related_name="reviews")
    opened_on = models.DateField()
    due_on = models.DateField()
    is_unused = models.BooleanField(default=False)
    """Whether nothing was delivered under the grant in the year before the review."""
    state = models.CharField(_("state"), max_length=10, choices=ReviewState.choices, default=ReviewState.OPEN)
    statement = models.CharField(_("remark"), max_length=500, blank=True)
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    closed_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)
    reminded_at = models.DateTimeField(null=True)
    warned_on = models.DateField(null=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        verbose_name = _("yearly review")
        constraints = [
            models.UniqueConstraint(
                fields=["grant"], condition=Q(state__in=["open", "missed"]), name="one_unconfirmed_review_of_a_grant"
            )
        ]
        indexes = [
            # what is to be confirmed, reminded of and suspended, by day
            models.Index(fields=["due_on", "id"], condition=Q(state__in=["open", "missed"]), name="review_waiting"),
            # all of them, newest first
            models.Index(fields=["-opened_on", "-id"], name="review_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.grant} {self.opened_on}"

    def get_absolute_url(self) -> str:
        return reverse("sharing:grant-detail", args=[self.grant_id])
