"""What somebody typed into a form and has not saved yet."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class UnsavedText(models.Model):
    """The fields of one form of one person; ``key`` names the form and its object, ``fields`` is its POST data."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.CharField(max_length=80)
    fields = models.TextField()
    saved_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="one_unsaved_text_per_form")]
        indexes = [
            # what nobody came back for
            models.Index(fields=["saved_at"], name="unsaved_text_age"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.key}"
