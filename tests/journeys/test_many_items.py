"""Two hundred datasets of twelve providers: asked for at once, decided in bulk with some refused, and granted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from portal.audit import checks
from portal.departments.models import Department
from sharing.models import ApprovalStep, Grant, RequestItem, SharingRequest
from tests.factories import World, make_dataset, make_department, make_request, make_user

pytestmark = pytest.mark.journey

ITEMS, PROVIDERS = 200, 12


def _providers(world: World) -> list[Department]:
    """Twelve bureaus of the province; one person answers for the first eleven of them, another for the last."""
    from portal.access import Actor
    from portal.departments.duties import assign

    bureaus = [make_department(f"浙江省第{n:02d}局", world.regions["province"]) for n in range(PROVIDERS)]
    answerer = make_user("answerer")
    for bureau in bureaus[:-1]:
        assign(user=answerer, department=bureau, duty="provider_approver", actor=Actor.system())
    make_user("refuser", bureaus[-1], "provider_approver")
    return bureaus


def _bulk(visitor: Any, verdict: str, *, reason: str = "", note: str = "") -> None:
    """Decide everything that is on the first page of the queue alike."""
    page = visitor.page
    visitor.go("/queue/")
    page.locator("[data-select-all]").first.check()
    page.locator(".bulk [data-decide]").click()
    page.wait_for_load_state()
    page.locator(f"input[name=verdict][value={verdict}]").check()
    if reason:
        page.select_option("#id_reason", reason)
    if note:
        page.fill("#id_note", note)
    page.locator("main form button.is-primary").first.click()
    page.wait_for_load_state()


def test_two_hundred_items_of_twelve_providers_are_decided_in_bulk(
    world: World, visit: Callable[..., Any], run_jobs: Callable[[], None]
) -> None:
    bureaus = _providers(world)
    datasets = [make_dataset(bureaus[n % PROVIDERS], f"数据资源{n:03d}") for n in range(ITEMS)]
    request = make_request(world, *datasets)
    with visit("applicant") as applicant:
        applicant.go(request.get_absolute_url())
        applicant.sees("浙江省第00局")
        applicant.press("Submit", confirm=True)
    assert SharingRequest.objects.get().state == "in_review"
    assert ApprovalStep.objects.filter(stage="provider").count() == PROVIDERS
    for name in ("applicant_head", "authority"):
        with visit(name) as person:
            _bulk(person, "approve")
            person.sees("decided")
    with visit("answerer") as person:
        _bulk(person, "approve")
        assert person.page.locator("main .badge.is-good").count() == PROVIDERS - 1
    with visit("refuser") as person:
        _bulk(person, "refuse", reason="not_held", note="本部门未采集该数据")
        person.sees("decided")
    refused = RequestItem.objects.filter(state="refused")
    assert refused.count() == ITEMS // PROVIDERS
    assert Grant.objects.count() == ITEMS - refused.count()
    assert SharingRequest.objects.get().state == "completed"
    with visit("applicant") as applicant:
        applicant.go("/grants/")
        applicant.sees("数据资源")
        applicant.go(request.get_absolute_url())
        applicant.sees("本部门未采集该数据")
    assert [found for _name, rows in checks.run() for found in rows] == []
