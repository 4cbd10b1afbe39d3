"""Standards that data items follow: data elements (数据元) and code lists (代码表) with their versions."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from catalog.models.dataset import Dataset
from catalog.models.vocabulary import DataType
from portal.ids import new_id


class CodeList(models.Model):
    """A list of allowed values and what they mean; its values stand in versions."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)
    name_en = models.CharField(_("English name"), max_length=120, blank=True)
    source = models.CharField(_("source standard"), max_length=120, blank=True)
    description = models.TextField(_("description"), blank=True, max_length=1000)
    retired_at = models.DateTimeField(_("retired"), null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    modified = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("code list")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name_en if self.name_en and (translation.get_language() or "").startswith("en") else self.name


class CodeListState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    IN_FORCE = "in_force", _("In force")
    SUPERSEDED = "superseded", _("Superseded")


class CodeListVersion(models.Model):
    """The values of a code list from a day on; at most one version of a list is in force."""

    code_list = models.ForeignKey(CodeList, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=CodeListState.choices, default=CodeListState.DRAFT)
    valid_from = models.DateField(_("in force from"), null=True, blank=True)
    note = models.CharField(_("what it changes"), max_length=500, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["code_list", "number"], name="code_list_version_number"),
            models.UniqueConstraint(
                fields=["code_list"], condition=Q(state="in_force"), name="one_code_list_version_in_force"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code_list} v{self.number}"


class CodeValue(models.Model):
    """One code and its meaning; ``parent`` is a code of the same version, empty at the top."""

    version = models.ForeignKey(CodeListVersion, models.CASCADE, related_name="values")
    position = models.PositiveIntegerField(default=0)
    code = models.CharField(_("code"), max_length=60)
    name = models.CharField(_("name"), max_length=200)
    parent = models.CharField(_("parent code"), max_length=60, blank=True)
    description = models.CharField(_("description"), max_length=500, blank=True)

    class Meta:
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["version", "code"], name="code_once_in_version")]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class ElementCheck(models.TextChoices):
    """Checks beyond a pattern: check digits (GB 11643, GB 32100, Luhn)."""

    NONE = "", _("None")
    RESIDENT_ID = "ric", _("Citizen identity number")
    CREDIT_CODE = "uscc", _("Unified social credit code")
    LUHN = "luhn", _("Luhn check digit")


class DataElement(models.Model):
    """What a data item means wherever it occurs: type, length, allowed values, and the dataset that is its source.

    ``source_dataset`` is the one authoritative source (一数一源). ``pattern`` is a regular expression that a whole
    value must match.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    code = models.CharField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)
    name_en = models.CharField(_("English name"), max_length=120, blank=True)
    definition = models.TextField(_("definition"), blank=True, max_length=1000)
    data_type = models.CharField(_("data type"), max_length=4, choices=DataType.choices, default=DataType.STRING)
    length = models.PositiveIntegerField(_("length"), null=True, blank=True)
    precision = models.PositiveSmallIntegerField(_("decimal places"), null=True, blank=True)
    unit = models.CharField(_("unit"), max_length=30, blank=True)
    pattern = models.CharField(_("pattern"), max_length=300, blank=True)
    check_digit = models.CharField(_("check"), max_length=8, choices=ElementCheck.choices, blank=True)
    code_list = models.ForeignKey(
        CodeList, models.PROTECT, null=True, blank=True, related_name="elements", verbose_name=_("code list")
    )
    source_standard = models.CharField(_("source standard"), max_length=120, blank=True)
    source_dataset = models.ForeignKey(
        Dataset, models.SET_NULL, null=True, blank=True, related_name="source_of_elements", verbose_name=_("source")
    )
    retired_at = models.DateTimeField(_("retired"), null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    modified = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("data element")
        ordering = ["code"]
        indexes = [
            # found by name while an item is being linked
            models.Index(fields=["name"], name="element_name"),
        ]

    def __str__(self) -> str:
        return self.name_en if self.name_en and (translation.get_language() or "").startswith("en") else self.name
