"""What views share: the actor of a request, sign-in, paging."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.forms import BaseForm
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from portal import access
from portal.access import Actor, Permission
from portal.errors import InvalidInput, NotPermitted, PortalError

PAGE_SIZE = 20
COUNT_LIMIT = 10_000


def clean_text(text: str) -> str:
    """Text from a form or an address without what the database cannot hold: NUL and halves of characters."""
    return text.encode("utf-8", "ignore").decode().replace("\x00", "").strip()


def posted_version(request: HttpRequest, name: str = "seen_version") -> int:
    """The version that a form says its page showed; −1, which no object has, where it says none."""
    text = request.POST.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 9 else -1


def actor_of(request: HttpRequest) -> Actor:
    """The actor of ``request``; the standing is read once a request."""
    actor = getattr(request, "_actor", None)
    if actor is None:
        actor = Actor.of(request.user)
        request._actor = actor  # type: ignore[attr-defined]
    return actor


def require_duty(request: HttpRequest) -> Actor:
    """The actor, who must hold a duty in some department.

    Raises:
        NotPermitted: for others.
    """
    actor = actor_of(request)
    if not actor.standing.duties:
        raise NotPermitted(_("This is for those who hold a duty in a department."))
    return actor


def show_refusal(form: BaseForm, error: PortalError) -> None:
    """Put a refusal of the domain on the form, at its fields where they are named."""
    fields = error.fields if isinstance(error, InvalidInput) else {}
    for name, found in fields.items():
        for message in found:
            form.add_error(name if name in form.fields else None, str(message))
    if not any(fields.values()):
        form.add_error(None, str(error))


class WorkplaceMixin(LoginRequiredMixin):
    """A page for people who are signed in; ``permission`` (without an object) keeps others out with 403."""

    permission: Permission | None = None
    request: HttpRequest

    @cached_property
    def actor(self) -> Actor:
        return actor_of(self.request)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.user.is_authenticated and self.permission and not access.can(actor_of(request), self.permission):
            raise NotPermitted(permission=self.permission.value)
        return super().dispatch(request, *args, **kwargs)


class CappedPaginator(Paginator):
    """Counts at most ``limit`` rows: enough to page through, and bounded however large the list is."""

    limit = COUNT_LIMIT

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list[: self.limit]
        return int(rows.count()) if isinstance(rows, QuerySet) else len(rows)

    @property
    def is_capped(self) -> bool:
        """Whether there may be more rows than were counted."""
        return self.count >= self.limit


class WorkPaginator(CappedPaginator):
    """For lists that people work off from the first page on, or search: counting further costs more than it tells."""

    limit = 2_000


def page_of(request: HttpRequest, rows: QuerySet[Any] | Sequence[Any], size: int = PAGE_SIZE) -> Page[Any]:
    """The page of ``rows`` that ``?page=`` names; a number out of range gives the nearest page."""
    return CappedPaginator(rows, size).get_page(request.GET.get("page"))
