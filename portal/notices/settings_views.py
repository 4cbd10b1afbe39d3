"""What reaches me, the webhook of a department, and the system administrator's list of what was sent."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from django.views.generic import ListView

from portal import access
from portal.access import Permission
from portal.departments.models import Department
from portal.errors import InvalidInput
from portal.notices import delivery, preferences, webhooks
from portal.notices.models import Delivery, DeliveryChannel, DeliveryState, MailChoice, NoticeGroup, Webhook
from portal.views import CappedPaginator, WorkplaceMixin, actor_of

TEST_EVERY_S = 60


class ChoicesForm(forms.Form):
    """One choice for each group of kinds."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for value, label in NoticeGroup.choices:
            self.fields[value] = forms.ChoiceField(label=label, choices=MailChoice.choices)


@login_required
def choices(request: HttpRequest) -> HttpResponse:
    """Show and keep what reaches me by e-mail."""
    user = actor_of(request).user
    assert user is not None
    kept = preferences.choices_of([user.pk])
    initial = {group: kept.get((user.pk, group), preferences.default_choice(group)) for group in NoticeGroup.values}
    form = ChoicesForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_valid():
        preferences.choose(user=user, choices=form.cleaned_data)
        messages.success(request, _("Your choices are kept."))
        return redirect("notices:notice-settings")
    return render(request, "portal/notice_settings.html", {"form": form}, status=422 if form.is_bound else 200)


@login_required
@require_POST
def send_test(request: HttpRequest) -> HttpResponse:
    """Send me one e-mail now, at most once a minute."""
    user = actor_of(request).user
    assert user is not None
    if not user.email:
        messages.error(request, _("Your account has no e-mail address. Ask the clerk of your department."))
    elif not cache.add(f"notice-test:{user.pk}", 1, TEST_EVERY_S):
        messages.error(request, _("A test was sent a moment ago. Wait a minute."))
    else:
        try:
            delivery.mail(user.email, _("A test"), [_("Notices reach you at this address.")])
            messages.success(request, _("The test was sent to your address."))
        except delivery.SendingFailed:
            messages.error(request, _("The mail server did not take the test. Tell the system administrator."))
    return redirect("notices:notice-settings")


class WebhookForm(forms.Form):
    """Address and state of a webhook."""

    url = forms.URLField(label=gettext_lazy("Address"), max_length=400, assume_scheme="https")
    is_active = forms.BooleanField(label=gettext_lazy("Calls are made"), required=False, initial=True)
    new_secret = forms.BooleanField(label=gettext_lazy("Make a new secret"), required=False)


def _managed(request: HttpRequest, pk: Any) -> Department:
    department = get_object_or_404(Department, pk=pk)
    access.require(actor_of(request), Permission.WEBHOOK_MANAGE, department)
    return department


@login_required
def webhook(request: HttpRequest, pk: Any) -> HttpResponse:
    """Set the webhook of a department, and see its last results; a new secret is shown in this answer only."""
    department = _managed(request, pk)
    hook = Webhook.objects.filter(department=department).first()
    initial = {"url": hook.url, "is_active": hook.is_active} if hook else None
    form = WebhookForm(request.POST if request.method == "POST" else None, initial=initial)
    secret = ""
    if form.is_valid():
        try:
            secret = webhooks.configure(department=department, actor=actor_of(request), **form.cleaned_data)
            messages.success(request, _("The webhook is set."))
            if not secret:
                return redirect("notices:webhook", pk=pk)
            hook = Webhook.objects.get(department=department)
        except InvalidInput as error:
            for name, texts in error.fields.items():
                form.add_error(name, texts)
    results = hook.deliveries.select_related("notice").order_by("-created_at")[:20] if hook else []
    context = {"department": department, "form": form, "hook": hook, "secret": secret, "results": results}
    answer = render(request, "portal/webhook.html", context, status=422 if form.errors else 200)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@login_required
def webhook_remove(request: HttpRequest, pk: Any) -> HttpResponse:
    """Ask once, then remove the webhook."""
    department = _managed(request, pk)
    if request.method != "POST":
        return render(request, "portal/webhook_remove.html", {"department": department})
    webhooks.remove(department=department, actor=actor_of(request))
    messages.success(request, _("The webhook was removed."))
    return redirect("notices:webhook", pk=pk)


@login_required
@require_POST
def webhook_test(request: HttpRequest, pk: Any) -> HttpResponse:
    """Queue a test call."""
    department = _managed(request, pk)
    get_object_or_404(Webhook, department=department)
    webhooks.test(department=department, actor=actor_of(request))
    messages.success(request, _("The test is on its way. Its result will stand below."))
    return redirect("notices:webhook", pk=pk)


class DeliveryListView(WorkplaceMixin, ListView[Delivery]):
    """What was sent and what failed; no word of any notice."""

    permission = Permission.DELIVERY_MANAGE
    template_name = "portal/delivery_list.html"
    paginate_by = 20
    paginator_class = CappedPaginator

    def get_queryset(self) -> QuerySet[Delivery]:
        rows = Delivery.objects.select_related("user", "webhook__department", "notice").order_by("-created_at")
        state, channel = (self.request.GET.get(name) for name in ("state", "channel"))
        if state in DeliveryState.values:
            rows = rows.filter(state=state)
        if channel in DeliveryChannel.values:
            rows = rows.filter(channel=channel)
        return rows

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(states=DeliveryState.choices, channels=DeliveryChannel.choices, **kwargs)


@login_required
@require_POST
def retry(request: HttpRequest, pk: Any) -> HttpResponse:
    """Try a failed delivery again."""
    access.require(actor_of(request), Permission.DELIVERY_MANAGE)
    delivery.retry(delivery=get_object_or_404(Delivery, pk=pk), actor=actor_of(request))
    messages.success(request, _("It will be sent again."))
    return redirect("notices:delivery-list")
