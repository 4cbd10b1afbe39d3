"""The subject classification (主题分类) of datasets."""

from django.db import models
from django.utils import translation
from django.utils.translation import gettext_lazy as _


class Theme(models.Model):
    """A theme with a two-digit code and its name in both languages."""

    code = models.CharField(_("code"), max_length=8, primary_key=True)
    name = models.CharField(_("name"), max_length=40)
    name_en = models.CharField(_("English name"), max_length=60)

    class Meta:
        verbose_name = _("theme")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name_en if (translation.get_language() or "").startswith("en") else self.name
