"""The state of the installation: parts, jobs, versions. No data of departments."""

from __future__ import annotations

import platform
import shutil
from typing import Any

import django
from django.conf import settings
from django.db import connection
from django.db.models import Count
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView
from procrastinate.contrib.django.models import ProcrastinateJob

from portal.access import Permission
from portal.health import readiness
from portal.views import WorkplaceMixin

PARTS: dict[str, str | Promise] = {
    "database": _("Database"),
    "worker": _("Background worker"),
    "storage": _("File storage"),
}
"""The parts of ``readiness`` in words."""

STATES: dict[str, str | Promise] = {
    "todo": _("Waiting"),
    "doing": _("Running"),
    "succeeded": _("Done"),
    "failed": _("Failed"),
    "cancelled": _("Cancelled"),
    "aborting": _("Being cancelled"),
    "aborted": _("Cancelled"),
}
"""The states of jobs in words."""


class StatusView(WorkplaceMixin, TemplateView):
    """Readiness, jobs by state, the last failed ones, free disk, versions."""

    permission = Permission.SYSTEM_VIEW
    template_name = "portal/system_status.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        jobs = ProcrastinateJob.objects
        counts = jobs.values_list("task_name", "status").annotate(n=Count("id"))
        return super().get_context_data(
            parts=[(PARTS[name], is_up) for name, is_up in readiness().items()],
            jobs=[(name, STATES.get(status, status), n) for name, status, n in counts.order_by("task_name", "status")],
            failed=jobs.filter(status="failed").order_by("-id")[:20],
            disk=shutil.disk_usage(settings.BASE_DIR),
            versions=[
                ("Python", platform.python_version()),
                ("Django", django.get_version()),
                ("PostgreSQL", str(getattr(connection, "pg_version", "?"))),
            ],
            **kwargs,
        )
