"""The controlled words of a catalogue record (domain.md §4 and §6)."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class DatasetState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    DEPARTMENT_REVIEW = "department_review", _("Department review")
    AUTHORITY_REVIEW = "authority_review", _("Authority review")
    PUBLISHED = "published", _("Published")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class ResourceClass(models.TextChoices):
    """Class (类) of GUIDE: the first digit of a resource code."""

    BASIC = "1", _("Basic information")
    THEMATIC = "2", _("Thematic information")
    DEPARTMENTAL = "3", _("Departmental information")


class SharingType(models.TextChoices):
    UNCONDITIONAL = "unconditional", _("Shared unconditionally")
    CONDITIONAL = "conditional", _("Shared conditionally")
    NOT_SHARED = "not_shared", _("Not shared")


class OpenType(models.TextChoices):
    OPEN = "open", _("Open unconditionally")
    CONDITIONAL = "conditional", _("Open conditionally")
    NOT_OPEN = "not_open", _("Not open")


class UpdateCycle(models.TextChoices):
    REALTIME = "realtime", _("Real time")
    DAILY = "daily", _("Daily")
    WEEKLY = "weekly", _("Weekly")
    MONTHLY = "monthly", _("Monthly")
    QUARTERLY = "quarterly", _("Quarterly")
    HALF_YEARLY = "half_yearly", _("Half-yearly")
    YEARLY = "yearly", _("Yearly")
    IRREGULAR = "irregular", _("Irregular")
    NEVER = "never", _("Never")


class Grade(models.IntegerChoices):
    """Data grade: general data 1 to 4 as local practice splits them, important, core (GB/T 43697)."""

    PUBLIC = 1, _("General 1 (public)")
    INTERNAL = 2, _("General 2 (internal)")
    SENSITIVE = 3, _("General 3 (sensitive)")
    HIGHLY_SENSITIVE = 4, _("General 4 (highly sensitive)")
    IMPORTANT = 5, _("Important data")
    CORE = 6, _("Core data")


class Sensitivity(models.TextChoices):
    """Personal information in an item (PIPL)."""

    NONE = "none", _("No personal data")
    PERSONAL = "personal", _("Personal information")
    SENSITIVE = "sensitive", _("Sensitive personal information")


class DataType(models.TextChoices):
    """Data types of items (GB/T 21063)."""

    STRING = "C", _("Text")
    NUMBER = "N", _("Number")
    DATE = "D", _("Date")
    DATETIME = "T", _("Date and time")
    BOOLEAN = "B", _("Yes or no")
    BINARY = "BLOB", _("Binary or geometry")


class ResourceFormat(models.TextChoices):
    """Kind of resource format (信息资源格式)."""

    FILE = "file", _("Electronic file")
    SPREADSHEET = "spreadsheet", _("Spreadsheet")
    DATABASE = "database", _("Database")
    IMAGE = "image", _("Image")
    STREAM = "stream", _("Streaming media")
    SELF_DESCRIBING = "self_describing", _("Self-describing format")
    SERVICE = "service", _("Service interface")


class Channel(models.TextChoices):
    """How shared data are delivered (共享方式)."""

    API = "api", _("Interface (API)")
    FILE = "file", _("File download")
