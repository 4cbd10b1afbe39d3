"""Exceptions to who sees a record, and the page that says why somebody can or can't."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from catalog import access_exceptions
from catalog.explaining import explain
from catalog.models import AccessException, Dataset, DatasetGroupObjectPermission
from portal.access import Permission, has_perm
from portal.accounts.models import User
from portal.departments.models import Duty
from portal.errors import InvalidInput, NotPermitted
from portal.models import Event
from tests.factories import World, actor, make_dataset, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft(world: World) -> Dataset:
    return make_dataset(world.province_bureau, "草稿", state="draft")


def give(world: World, dataset: Dataset, by: User, **changes: Any) -> AccessException:
    values = {
        "department": world.county_bureau,
        "duty": Duty.APPLICANT,
        "valid_until": timezone.localdate(),
        "reason": "联合检查",
    }
    return access_exceptions.give(dataset=dataset, actor=actor(by), **(values | changes))


def sees(user: User, dataset: Dataset) -> tuple[bool, bool]:
    listed = Dataset.objects.visible_to(user).filter(pk=dataset.pk).exists()
    return listed, has_perm(user, Permission.DATASET_VIEW, dataset)


def test_an_exception_lets_the_holders_of_the_duty_see_the_record_until_it_is_ended(
    world: World, draft: Dataset
) -> None:
    exception = give(world, draft, world.provider)
    assert (sees(world.applicant, draft), sees(world.applicant_head, draft)) == ((True, True), (False, False))
    access_exceptions.end(exception=exception, actor=actor(world.provider))
    assert sees(world.applicant, draft) == (False, False)
    assert list(Event.objects.filter(verb__startswith="exception.").order_by("id").values_list("verb", flat=True)) == [
        "exception.given",
        "exception.ended",
    ]


def test_an_exception_runs_out_after_its_last_day(world: World, draft: Dataset) -> None:
    give(world, draft, world.provider)
    assert access_exceptions.expire() == 0
    AccessException.objects.update(valid_until=timezone.localdate() - dt.timedelta(days=1))
    assert (access_exceptions.expire(), access_exceptions.expire()) == (1, 0)
    assert sees(world.applicant, draft) == (False, False)
    assert not DatasetGroupObjectPermission.objects.exists()


def test_who_answers_for_the_record_gives_exceptions_and_nobody_else(world: World, draft: Dataset) -> None:
    for person in (world.applicant, world.provider2, world.authority, make_user("sys", admin_role="system")):
        with pytest.raises(NotPermitted):
            give(world, draft, person)
    give(world, draft, make_user("secadmin", admin_role="security"))
    with pytest.raises(InvalidInput) as found:
        give(world, draft, world.security)
    assert set(found.value.fields) == {"duty"}
    give(world, draft, world.security, duty=Duty.CLERK)


@pytest.mark.parametrize(
    ("changes", "field"), [({"reason": " "}, "reason"), ({"days": -1}, "valid_until"), ({"days": 400}, "valid_until")]
)
def test_an_exception_needs_a_reason_and_a_term(
    world: World, draft: Dataset, changes: dict[str, Any], field: str
) -> None:
    if "days" in changes:
        changes = {"valid_until": timezone.localdate() + dt.timedelta(days=changes["days"])}
    with pytest.raises(InvalidInput) as found:
        give(world, draft, world.provider, **changes)
    assert set(found.value.fields) == {field}
    assert not AccessException.objects.exists()


def test_the_explanation_names_the_rule_that_decided_and_agrees_with_has_perm(world: World, draft: Dataset) -> None:
    published = make_dataset(world.province_bureau, "发布")
    opened = make_dataset(world.province_bureau, "开放", sharing_type="unconditional", open_type="open")
    in_review = make_dataset(world.city_bureau, "待审", state="authority_review")
    give(world, draft, world.provider)
    secadmin = make_user("secadmin", admin_role="security")
    expected = {
        (world.applicant, published): "civil_servants",
        (world.applicant, opened): "public",
        (secadmin, opened): "public",
        (secadmin, published): None,
        (world.provider, draft): "provider",
        (world.authority, in_review): "authority",
        (world.applicant, draft): "exception",
        (world.cataloguer, draft): None,
    }
    for (person, dataset), rule in expected.items():
        found = explain(person, dataset)
        assert (found.decisive.rule if found.decisive else None) == rule, (person, dataset)
        assert found.may_view == has_perm(person, Permission.DATASET_VIEW, dataset)


def test_the_page_explains_gives_and_ends_and_is_closed_to_others(world: World, draft: Dataset) -> None:
    client = Client()
    client.force_login(world.provider)
    path = f"/catalog/{draft.pk}/access/"
    page = client.get(path, {"person": "applicant"})
    assert (page.context["found"].may_view, len(page.context["found"].checks)) == (False, 5)
    body = {
        "department": world.county_bureau.name,
        "duty": "applicant",
        "valid_until": timezone.localdate().isoformat(),
        "reason": "联合检查",
    }
    kept = client.post(path, body | {"department": "没有这个部门"})
    assert (kept.status_code, "联合检查" in kept.content.decode()) == (422, True)
    assert client.post(path, body).status_code == 302
    assert client.get(path, {"person": "applicant"}).context["found"].decisive.rule == "exception"
    other = Client()
    other.force_login(world.applicant)
    assert other.get(path).status_code == 404
    exception = AccessException.objects.get()
    assert other.post(f"/catalog/exceptions/{exception.pk}/end/").status_code == 404
    assert client.post(f"/catalog/exceptions/{exception.pk}/end/").status_code == 302
    assert sees(world.applicant, draft) == (False, False)


def test_the_security_administrator_finds_a_dataset_by_code_and_reads_why(world: World, draft: Dataset) -> None:
    client = Client()
    client.force_login(make_user("secadmin", admin_role="security"))
    answer: Any = client.get("/catalog/access/", {"q": draft.code, "person": "provider"}, follow=True)
    assert answer.context["found"].decisive.rule == "provider"
    assert client.get(f"/catalog/{draft.pk}/").status_code in (403, 404)
