"""One's notices: list, open, mark as read."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST
from django.views.generic import ListView

from portal.notices.models import Notice
from portal.notices.texts import sentence
from portal.views import CappedPaginator, WorkplaceMixin, actor_of


class NoticeListView(WorkplaceMixin, ListView[Notice]):
    """My notices, newest first."""

    template_name = "portal/notice_list.html"
    paginate_by = 20
    paginator_class = CappedPaginator

    def get_queryset(self) -> QuerySet[Notice]:
        return Notice.objects.filter(user=self.actor.user).order_by("-created_at", "-id")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context["lines"] = [(notice, sentence(notice)) for notice in context["object_list"]]
        return context


@login_required
def open_notice(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark a notice as read and go where it points; its URL was made by the portal itself."""
    notice = get_object_or_404(Notice, pk=pk, user=actor_of(request).user)
    Notice.objects.unread().filter(pk=notice.pk).update(read_at=timezone.now())
    return redirect(notice.url)


@login_required
@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    """Mark all of one's notices as read."""
    Notice.objects.unread().filter(user=actor_of(request).user).update(read_at=timezone.now())
    return redirect("notices:notice-list")
