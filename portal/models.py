"""All models of the portal app, gathered from its rooms."""

from portal.accounts.models import AdminRole, KnownDevice, OldPassword, SecondFactorReset, User
from portal.audit.models import ArchivedHead, ArchivedMonth, Checkpoint, Event, EventStream, SealedHead
from portal.calendars.models import CalendarDay, CalendarYear
from portal.departments.models import Department, DepartmentChange, Duty, DutyGroup, Level, Membership, Region
from portal.deputies.models import Delegation
from portal.notices.models import Delivery, Notice, NoticeKind, NoticePreference, Webhook
from portal.rights.models import RightsReview
from portal.unsaved.models import UnsavedText

__all__ = [
    "AdminRole",
    "ArchivedHead",
    "ArchivedMonth",
    "CalendarDay",
    "CalendarYear",
    "Checkpoint",
    "Delegation",
    "Delivery",
    "Department",
    "DepartmentChange",
    "Duty",
    "DutyGroup",
    "Event",
    "EventStream",
    "KnownDevice",
    "Level",
    "Membership",
    "Notice",
    "NoticeKind",
    "NoticePreference",
    "OldPassword",
    "Region",
    "RightsReview",
    "SealedHead",
    "SecondFactorReset",
    "UnsavedText",
    "User",
    "Webhook",
]
