"""Regions, departments and who holds which duty in them."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from portal.ids import new_id


class Level(models.IntegerChoices):
    """Administrative levels (层级)."""

    NATION = 1, _("National")
    PROVINCE = 2, _("Provincial")
    CITY = 3, _("Municipal")
    COUNTY = 4, _("County")
    TOWN = 5, _("Town")


class Duty(models.TextChoices):
    """What a member may do for a department; the duties of design.md §4 and domain.md §3."""

    APPLICANT = "applicant", pgettext_lazy("duty", "Applicant")
    OWN_APPROVER = "own_approver", _("Own-department approver")
    CATALOGUER = "cataloguer", _("Cataloguer")
    PROVIDER_APPROVER = "provider_approver", _("Provider approver")
    SECURITY_OFFICER = "security_officer", _("Data security officer")
    AUTHORITY_REVIEWER = "authority_reviewer", _("Authority reviewer")
    AUTHORITY_HEAD = "authority_head", _("Authority head")
    CLERK = "clerk", _("Department clerk")


AUTHORITY_DUTIES = frozenset({Duty.AUTHORITY_REVIEWER, Duty.AUTHORITY_HEAD})


class RegionQuerySet(models.QuerySet["Region"]):
    def within(self, region: Region) -> RegionQuerySet:
        """``region`` and every region below it."""
        return self.filter(path__startswith=region.path)

    def ancestors_of(self, region: Region) -> RegionQuerySet:
        """``region`` and the regions above it, nearest first."""
        return self.filter(code__in=region.path_codes).order_by("-level")


class Region(models.Model):
    """An administrative division with its GB/T 2260 code.

    ``path`` joins the codes from the nation down to the region, each followed by a slash, so that "below" is a
    prefix: ``000000/330000/330100/``.
    """

    code = models.CharField(_("division code"), max_length=12, primary_key=True)
    name = models.CharField(_("name"), max_length=60)
    level = models.PositiveSmallIntegerField(_("level"), choices=Level.choices)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    path = models.CharField(max_length=90, unique=True)

    objects = RegionQuerySet.as_manager()

    class Meta:
        verbose_name = _("region")
        indexes = [
            # everything below a region: path LIKE 'x%'
            models.Index(fields=["path"], name="region_path_prefix", opclasses=["varchar_pattern_ops"]),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def path_codes(self) -> list[str]:
        """Codes from the nation down to this region."""
        return self.path.rstrip("/").split("/")


class DepartmentKind(models.TextChoices):
    DATA_AUTHORITY = "data_authority", _("Data authority")
    BUREAU = "bureau", _("Government department")
    INSTITUTION = "institution", _("Public institution")


class DepartmentQuerySet(models.QuerySet["Department"]):
    def active(self) -> DepartmentQuerySet:
        return self.filter(is_active=True)

    def authorities(self) -> DepartmentQuerySet:
        return self.active().filter(kind=DepartmentKind.DATA_AUTHORITY)

    def highest_authorities(self) -> DepartmentQuerySet:
        """The data authorities of the highest level at which somebody holds an authority's duty today: they keep what
        is everyone's (calendar, routes for all regions)."""
        held = Membership.objects.current().filter(duty__in=AUTHORITY_DUTIES).values("department")
        staffed = self.authorities().filter(pk__in=held)
        highest = staffed.order_by("region__level").values("region__level")[:1]
        return staffed.filter(region__level=highest)

    def authority_for(self, region: Region) -> Department | None:
        """The data authority of ``region``, or of the nearest region above it that has one."""
        return (
            self.authorities()
            .filter(region_id__in=region.path_codes)
            .select_related("region")
            .order_by("-region__level")
            .first()
        )


class Department(models.Model):
    """A department (部门) of a region's government; ``parent`` is its superior in the vertical line (条)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    region = models.ForeignKey(Region, models.PROTECT, related_name="departments", verbose_name=_("region"))
    name = models.CharField(_("name"), max_length=100)
    short_name = models.CharField(_("short name"), max_length=40, blank=True)
    kind = models.CharField(_("kind"), max_length=20, choices=DepartmentKind.choices, default=DepartmentKind.BUREAU)
    credit_code = models.CharField(_("unified social credit code"), max_length=18, unique=True)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="branches")
    is_active = models.BooleanField(_("active"), default=True)

    objects = DepartmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("department")
        ordering = ["region_id", "name"]
        constraints = [
            models.UniqueConstraint(fields=["region", "name"], name="department_name_once_in_region"),
            models.UniqueConstraint(
                fields=["region"],
                condition=Q(kind="data_authority", is_active=True),
                name="one_data_authority_in_region",
                violation_error_message=_("This region already has a data authority."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_authority(self) -> bool:
        return self.kind == DepartmentKind.DATA_AUTHORITY


class DutyGroup(models.Model):
    """The auth group that stands for one duty in one department; object rights are given to it, not to people."""

    department = models.ForeignKey(Department, models.CASCADE, related_name="duty_groups")
    duty = models.CharField(max_length=20, choices=Duty.choices)
    group = models.OneToOneField(Group, models.PROTECT, related_name="duty_group")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["department", "duty"], name="one_group_per_duty")]

    def __str__(self) -> str:
        return f"{self.department} · {self.get_duty_display()}"


class MembershipQuerySet(models.QuerySet["Membership"]):
    def current(self, day: dt.date | None = None) -> MembershipQuerySet:
        """Memberships in force on ``day`` (today), of people and departments that are active."""
        day = day or timezone.localdate()
        return self.filter(
            Q(valid_until__isnull=True) | Q(valid_until__gte=day),
            valid_from__lte=day,
            user__is_active=True,
            department__is_active=True,
        )


class Membership(models.Model):
    """One duty of one person in one department, for a term (``valid_until`` is the last day, inclusive)."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="memberships")
    department = models.ForeignKey(Department, models.PROTECT, related_name="memberships")
    duty = models.CharField(_("duty"), max_length=20, choices=Duty.choices)
    valid_from = models.DateField(_("from"), default=timezone.localdate)
    valid_until = models.DateField(_("until"), null=True, blank=True)
    given_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("membership")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "department", "duty"],
                condition=Q(valid_until__isnull=True),
                name="one_open_membership_per_duty",
            ),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gte=F("valid_from") - 1),
                name="membership_term_in_order",
            ),
        ]
        indexes = [
            # who holds a duty in a department: queues, notices, "who decides here?"
            models.Index(fields=["department", "duty"], name="membership_by_duty"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.department} · {self.get_duty_display()}"


class ChangeKind(models.TextChoices):
    """What can happen to a department (机构沿革)."""

    CREATED = "created", pgettext_lazy("department", "Created")
    EDITED = "edited", pgettext_lazy("department", "Edited")
    RENAMED = "renamed", pgettext_lazy("department", "Renamed")
    MERGED = "merged", pgettext_lazy("department", "Merged")
    SPLIT = "split", pgettext_lazy("department", "Split")
    MOVED = "moved", pgettext_lazy("department", "Moved under another superior")
    ABOLISHED = "abolished", pgettext_lazy("department", "Abolished")


class DepartmentChange(models.Model):
    """One line of a department's history: what became of ``source``, and into which ``target`` it went.

    ``target`` is the successor of a merger or abolition, a part that was split off, the new superior of a move, and
    null otherwise. ``old_name`` is the name until that day, under which the department is still found.
    """

    kind = models.CharField(_("change"), max_length=12, choices=ChangeKind.choices)
    source = models.ForeignKey(Department, models.PROTECT, related_name="changes")
    target = models.ForeignKey(Department, models.PROTECT, null=True, blank=True, related_name="changes_into")
    old_name = models.CharField(max_length=100, blank=True)
    new_name = models.CharField(max_length=100, blank=True)
    on_day = models.DateField(_("on"), default=timezone.localdate)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    legal_basis = models.CharField(_("legal basis"), max_length=500, blank=True)
    moved = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("department change")
        ordering = ["-on_day", "-id"]

    def __str__(self) -> str:
        return f"{self.source} · {self.get_kind_display()}"
