"""One's notices: list, open, mark as read."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST
from django.views.generic import ListView

from portal.notices.models import Notice, NoticeKind, NoticeQuerySet
from portal.notices.texts import sentence
from portal.views import CappedPaginator, WorkplaceMixin, actor_of


class NoticeListView(WorkplaceMixin, ListView[Notice]):
    """My notices, newest first."""

    template_name = "portal/notice_list.html"
    paginate_by = 20
    paginator_class = CappedPaginator

    def get_queryset(self) -> NoticeQuerySet:
        rows = Notice.objects.filter(user=self.actor.user).order_by("-created_at", "-id")
        params = self.request.GET
        if params.get("unread") == "1":
            rows = rows.unread()
        if params.get("kind") in NoticeKind.values:
            rows = rows.filter(kind=params["kind"])
        return rows

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context["lines"] = [(notice, sentence(notice)) for notice in context["object_list"]]
        context["kinds"] = NoticeKind.choices
        context["is_filtered"] = any(self.request.GET.get(name) for name in ("unread", "kind"))
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


@login_required
@require_POST
def mark(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark one of one's notices as read (``read=1``) or unread, and return to the list as it was filtered."""
    notice = get_object_or_404(Notice, pk=pk, user=actor_of(request).user)
    notice.read_at = timezone.now() if request.POST.get("read") == "1" else None
    notice.save(update_fields=["read_at"])
    back = request.POST.get("next", "")
    here = reverse("notices:notice-list")
    return redirect(back if back.startswith(f"{here}?") else here)
