"""Letters (文书): what was decided on a request, and what both sides of a sharing agree to."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.access import Standing
from portal.departments.models import AUTHORITY_DUTIES, Department
from portal.ids import new_id
from sharing.models.request import ApplicantKind, RequestItem, SharingRequest


class LetterKind(models.TextChoices):
    """The answer to a whole request, or the agreement with one provider over what it granted."""

    DECISION = "decision", _("Decision letter")
    AGREEMENT = "agreement", _("Sharing agreement")


def _new_code() -> str:
    return secrets.token_urlsafe(12)


class LetterQuerySet(models.QuerySet["Letter"]):
    def readable_by(self, standing: Standing) -> LetterQuerySet:
        """Decisions of requests one may read; agreements of one's departments, and of requests that came to one's data
        authority."""
        mine = standing.departments_with()
        requests = SharingRequest.objects.readable_by(standing).values("pk")
        found = Q(kind=LetterKind.DECISION, request__in=requests)
        applying = Q(request__department__in=mine, request__applicant_kind=ApplicantKind.DEPARTMENT)
        found |= Q(kind=LetterKind.AGREEMENT) & (applying | Q(provider__in=mine))
        if standing.departments_with(*AUTHORITY_DUTIES):
            found |= Q(request__in=requests)
        return self.filter(found)


class Letter(models.Model):
    """A letter as it was issued: ``content`` never changes, ``digest`` is its SHA-256 and stands in the record.

    ``code`` lets whoever holds a print check it without signing in.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.CharField(_("number"), max_length=20, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=LetterKind.choices)
    request = models.ForeignKey(SharingRequest, models.PROTECT, related_name="letters")
    provider = models.ForeignKey(Department, models.PROTECT, null=True, related_name="letters")
    items = models.ManyToManyField(RequestItem, related_name="letters")
    content = models.JSONField(encoder=DjangoJSONEncoder)
    digest = models.CharField(max_length=64)
    code = models.CharField(max_length=30, default=_new_code)
    issued_at = models.DateTimeField(_("issued"))
    applicant_confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("confirmed by")
    )
    applicant_confirmed_at = models.DateTimeField(null=True)
    provider_confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    provider_confirmed_at = models.DateTimeField(null=True)

    objects = LetterQuerySet.as_manager()

    class Meta:
        verbose_name = _("letter")
        ordering = ["-issued_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="agreement", provider__isnull=False) | Q(kind="decision", provider__isnull=True),
                name="agreement_with_a_provider",
            ),
        ]
        indexes = [
            # letters of a provider, newest first
            models.Index(fields=["provider", "-issued_at"], name="letter_of_provider"),
            models.Index(fields=["-issued_at", "-id"], name="letter_newest"),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("sharing:letter-detail", args=[self.pk])

    @property
    def is_confirmed(self) -> bool:
        """Whether both sides have confirmed it; a decision needs no confirmation."""
        return self.kind == LetterKind.DECISION or bool(self.applicant_confirmed_at and self.provider_confirmed_at)
