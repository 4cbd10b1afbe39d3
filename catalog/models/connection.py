"""Where data come from beside files: databases that tables are pulled from, and interfaces of the departments."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from catalog.models.dataset import Dataset
from catalog.models.table import LoadMode
from portal.departments.models import Department
from portal.ids import new_id


class DatabaseKind(models.TextChoices):
    POSTGRESQL = "postgresql", "PostgreSQL"
    MYSQL = "mysql", "MySQL / MariaDB"


class Encryption(models.TextChoices):
    """How a connection is protected on its way."""

    VERIFIED = "verified", _("encrypted, the server's certificate is checked")
    ENCRYPTED = "encrypted", _("encrypted")
    PLAIN = "plain", _("not encrypted")


class DatabaseSource(models.Model):
    """A database of a department, with the account by which the portal reads it; the password is sealed."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    department = models.ForeignKey(Department, models.PROTECT, related_name="database_sources")
    title = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=12, choices=DatabaseKind.choices)
    host = models.CharField(_("host"), max_length=253)
    port = models.PositiveIntegerField(
        _("port"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(65535)]
    )
    database = models.CharField(_("database"), max_length=128)
    account = models.CharField(_("account"), max_length=128)
    password = models.TextField(blank=True)
    """Sealed (portal.sealing); never shown and never sent to a browser."""
    encryption = models.CharField(
        _("encryption"), max_length=10, choices=Encryption.choices, default=Encryption.ENCRYPTED
    )
    tested_at = models.DateTimeField(null=True, blank=True)
    fault = models.TextField(blank=True)
    """What the last trial said; empty when it went well."""
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["title", "id"]
        constraints = [models.UniqueConstraint(fields=["department", "title"], name="one_source_of_a_name")]

    def __str__(self) -> str:
        return self.title

    @property
    def port_used(self) -> int:
        return self.port or (5432 if self.kind == DatabaseKind.POSTGRESQL else 3306)


class Cadence(models.TextChoices):
    """How often a table is pulled."""

    MANUAL = "manual", _("only when asked for")
    HOURLY = "hourly", _("every hour")
    DAILY = "daily", _("every day")
    WEEKLY = "weekly", _("every week")
    MONTHLY = "monthly", _("every month")


class TablePull(models.Model):
    """The standing order by which a dataset's table is read from a database table.

    In the modes that keep rows, ``watermark`` names a column that only grows (a serial number, the time of the last
    change): a pull reads what lies beyond ``reached``, the greatest value that has been loaded.
    """

    dataset = models.OneToOneField(Dataset, models.CASCADE, primary_key=True, related_name="pull")
    source = models.ForeignKey(DatabaseSource, models.PROTECT, related_name="pulls")
    schema = models.CharField(max_length=128, blank=True)
    table = models.CharField(max_length=128)
    columns = ArrayField(models.CharField(max_length=128))
    key = ArrayField(models.CharField(max_length=128), default=list, blank=True)
    mode = models.CharField(max_length=8, choices=LoadMode.choices, default=LoadMode.REPLACE)
    watermark = models.CharField(max_length=128, blank=True)
    reached = models.TextField(blank=True)
    titles = models.JSONField(default=dict, blank=True)
    """Column → what the database says of it; becomes the name of a new data item."""
    cadence = models.CharField(max_length=8, choices=Cadence.choices, default=Cadence.MANUAL)
    next_at = models.DateTimeField(null=True, blank=True)
    is_paused = models.BooleanField(default=False)
    has_failed = models.BooleanField(default=False)
    """Whether the last pull failed; the cataloguers are told when this begins."""
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            # what is due, for the clock
            models.Index(fields=["next_at"], name="pull_due", condition=Q(is_paused=False, next_at__isnull=False)),
        ]
        constraints = [
            models.CheckConstraint(
                name="pulled_rows_are_kept_by_a_watermark", condition=Q(mode="replace") | ~Q(watermark="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source}: {self.full_name}"

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.table}" if self.schema else self.table


class DataService(models.Model):
    """An interface that a department runs, described by its OpenAPI document (DCAT: ``dcat:DataService``)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    department = models.ForeignKey(Department, models.PROTECT, related_name="data_services")
    title = models.CharField(_("title"), max_length=200)
    endpoint_url = models.URLField(_("address"), max_length=500)
    version = models.CharField(_("version"), max_length=40, blank=True)
    description = models.TextField(_("description"), blank=True)
    document = models.JSONField()
    """The OpenAPI document (3.0 or 3.1), without references to other documents."""
    operations = models.JSONField(default=list)
    """What it offers: [{method, path, summary, parameters: [{name, in, required, type, description}]}]."""
    header = models.CharField(_("header of the key"), max_length=60, blank=True)
    secret = models.TextField(blank=True)
    """The key, sealed; never shown."""
    tested_at = models.DateTimeField(null=True, blank=True)
    fault = models.TextField(blank=True)
    datasets = models.ManyToManyField(Dataset, related_name="services", blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    modified = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["title", "id"]
        constraints = [models.UniqueConstraint(fields=["department", "title"], name="one_service_of_a_title")]

    def __str__(self) -> str:
        return self.title
