"""The subject classification (主题分类) of datasets."""

from django.db import models
from django.utils import translation
from django.utils.translation import gettext_lazy as _


class Theme(models.Model):
    """A class of the tree with its name in both languages; its code says where it stands.

    Two digits are an item (项), three more a category (目) of it, two more a sub-category (细目): 10, 10001, 1000102.
    A retired one stays on the records that have it and is offered to no other.
    """

    code = models.CharField(_("code"), max_length=8, primary_key=True)
    name = models.CharField(_("name"), max_length=40)
    name_en = models.CharField(_("English name"), max_length=60)
    retired_at = models.DateTimeField(_("retired"), null=True, editable=False)

    class Meta:
        verbose_name = _("theme")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name_en if (translation.get_language() or "").startswith("en") else self.name

    @property
    def parent_code(self) -> str:
        """The code of the class above, empty at the top."""
        return {5: self.code[:2], 7: self.code[:5]}.get(len(self.code), "")

    @property
    def depth(self) -> int:
        """0 for items, 1 for categories, 2 for sub-categories."""
        return {5: 1, 7: 2}.get(len(self.code), 0)

    @property
    def lineage(self) -> list[str]:
        """Its own code and those above it."""
        return [self.code[:length] for length in (2, 5, 7) if length <= len(self.code)]
