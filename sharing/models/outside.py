"""Who applies from outside for conditionally open data (有条件开放申请): enterprises, researchers and others."""

from __future__ import annotations

from cryptography.fernet import InvalidToken
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.sealing import seal, unseal
from sharing.models.request import SharingRequest


class OpenApplicant(models.Model):
    """What is known of an applicant from outside; their kind and name stand on the request.

    How to reach them is sealed and deleted after the end (``sharing.outside.keeping``).
    """

    request = models.OneToOneField(SharingRequest, models.CASCADE, primary_key=True, related_name="outside")
    credit_code = models.CharField(_("unified social credit code"), max_length=18)
    contact = models.CharField(_("contact person"), max_length=60, blank=True)
    sealed_phone = models.TextField(blank=True)
    sealed_email = models.TextField(blank=True)
    purpose = models.TextField(_("what for"), max_length=2000)
    safeguards = models.TextField(_("safeguards"), max_length=2000)

    class Meta:
        verbose_name = _("applicant from outside")
        indexes = [
            # what the same organisation applied for before
            models.Index(fields=["credit_code"], name="outside_by_credit_code"),
            # contacts that are still kept
            models.Index(fields=["request"], condition=~Q(sealed_email=""), name="outside_with_contact"),
        ]

    def __str__(self) -> str:
        return self.credit_code

    @property
    def phone(self) -> str:
        """The telephone number, for the offices that decide; empty once it is deleted."""
        return _opened(self.sealed_phone)

    @property
    def email(self) -> str:
        """The e-mail address, likewise."""
        return _opened(self.sealed_email)

    def set_contact(self, contact: str, phone: str, email: str) -> None:
        """Keep how to reach them, sealed."""
        self.contact, self.sealed_phone, self.sealed_email = contact, seal(phone), seal(email)


def _opened(sealed: str) -> str:
    try:
        return unseal(sealed) if sealed else ""
    except InvalidToken:  # sealed with a key that is gone
        return ""
