"""The state of the installation: parts, jobs, versions. No data of departments."""

from __future__ import annotations

import platform
import shutil
from typing import Any

import django
from django.conf import settings
from django.db import connection
from django.db.models import Count
from django.views.generic import TemplateView
from procrastinate.contrib.django.models import ProcrastinateJob

from portal.access import Permission
from portal.health import readiness
from portal.views import WorkplaceMixin


class StatusView(WorkplaceMixin, TemplateView):
    """Readiness, jobs by state, the last failed ones, free disk, versions."""

    permission = Permission.SYSTEM_VIEW
    template_name = "portal/system_status.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        jobs = ProcrastinateJob.objects
        return super().get_context_data(
            parts=readiness().items(),
            jobs=jobs.values_list("task_name", "status").annotate(n=Count("id")).order_by("task_name", "status"),
            failed=jobs.filter(status="failed").order_by("-id")[:20],
            disk=shutil.disk_usage(settings.BASE_DIR),
            versions=[
                ("Python", platform.python_version()),
                ("Django", django.get_version()),
                ("PostgreSQL", str(getattr(connection, "pg_version", "?"))),
            ],
            **kwargs,
        )
