"""Every act in every state of a record, and people who act at the same time."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.db import connection
from django.test import Client
from guardian.shortcuts import assign_perm
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog import lifecycle, search
from catalog.models import Dataset, DatasetState, DatasetVersion, OpenType, SharingType, Theme
from catalog.revisions import Clash
from portal.access import Permission, has_perm
from portal.audit import checks
from portal.audit.models import Event
from portal.departments.models import Duty
from portal.errors import InvalidInput, WrongState
from tests.factories import ITEMS, World, actor, dataset_values, load, make_dataset, make_user

ACTS: dict[str, Callable[[World, Dataset], Any]] = {
    "update": lambda w, d: lifecycle.update(
        dataset=d, actor=actor(w.cataloguer), values={"contact": "0571"}, seen_revision=0
    ),
    "submit": lambda w, d: lifecycle.submit(dataset=d, actor=actor(w.cataloguer)),
    "approve": lambda w, d: lifecycle.approve(
        dataset=d, actor=actor(w.authority if d.state == "authority_review" else w.provider2)
    ),
    "return": lambda w, d: lifecycle.return_for_changes(
        dataset=d, actor=actor(w.authority if d.state == "authority_review" else w.provider2), reason="请修改"
    ),
    "withdraw": lambda w, d: lifecycle.withdraw(dataset=d, actor=actor(w.provider2), reason="停用"),
}
RESULTS = {
    ("draft", "update"): "draft",
    ("withdrawn", "update"): "withdrawn",
    ("draft", "submit"): "department_review",
    ("withdrawn", "submit"): "department_review",
    ("department_review", "approve"): "authority_review",
    ("authority_review", "approve"): "published",
    ("department_review", "return"): "draft",
    ("authority_review", "return"): "draft",
    ("published", "withdraw"): "withdrawn",
}
"""(state, act) → the next state; every other act is refused."""


@pytest.mark.django_db
@pytest.mark.parametrize(("state", "act"), list(itertools.product(DatasetState.values, ACTS)))
def test_an_act_leads_to_its_state_or_is_refused_and_changes_nothing(world: World, state: str, act: str) -> None:
    dataset = make_dataset(world.city_bureau, "空气质量", state=state)
    events = Event.objects.count()
    expected = RESULTS.get((state, act))
    if expected is None:
        with pytest.raises(WrongState):
            ACTS[act](world, dataset)
    else:
        ACTS[act](world, dataset)
    assert Dataset.objects.get().state == (expected or state)
    assert Event.objects.count() - events == (1 if expected else 0)
    assert [finding for _name, found in checks.run() for finding in found] == []


@pytest.mark.django_db
def test_an_act_that_is_no_longer_possible_answers_409_and_says_so(world: World) -> None:
    dataset = make_dataset(world.city_bureau, "空气质量", state="draft")
    client = Client()
    client.force_login(world.provider2)
    assert client.post(f"/catalog/{dataset.pk}/approve/").status_code == 409
    assert Dataset.objects.get().state == "draft"


def at_once(concurrently: Callable[..., list[Any]], *calls: Callable[[], Any]) -> tuple[int, list[type]]:
    """How many of ``calls`` succeeded at the same time, and the kinds of errors of the others."""
    results = concurrently(*calls)
    return (
        sum(isinstance(result, Dataset) for result in results),
        [type(result) for result in results if not isinstance(result, Dataset)],
    )


def test_of_two_editors_at_once_one_saves_and_the_other_is_told(
    committed: None, concurrently: Callable[..., list[Any]]
) -> None:
    world = World()
    dataset = make_dataset(world.city_bureau, "空气质量", state="draft")

    def edit(contact: str) -> Dataset:
        values = {"contact": contact}
        return lifecycle.update(dataset=dataset, actor=actor(world.cataloguer), values=values, seen_revision=0)

    found = at_once(concurrently, lambda: edit("甲"), lambda: edit("乙"), lambda: edit("丙"))
    assert found == (1, [Clash, Clash])
    assert Dataset.objects.get().revision == 1


def test_of_two_reviewers_at_once_one_publishes(committed: None, concurrently: Callable[..., list[Any]]) -> None:
    world = World()
    second = make_user("second", world.authority_department, Duty.AUTHORITY_HEAD)
    dataset = make_dataset(world.city_bureau, "空气质量", state="authority_review")
    found = at_once(
        concurrently,
        lambda: lifecycle.approve(dataset=dataset, actor=actor(world.authority)),
        lambda: lifecycle.approve(dataset=dataset, actor=actor(second)),
    )
    assert found == (1, [WrongState])
    assert list(DatasetVersion.objects.values_list("number", flat=True)) == [1]


def test_codes_of_records_made_at_once_are_all_different(
    committed: None, concurrently: Callable[..., list[Any]]
) -> None:
    world = World()
    theme = Theme.objects.get(code="10")

    def make(number: int) -> Dataset:
        values = dataset_values(f"记录{number}")
        return lifecycle.create(
            actor=actor(world.cataloguer), provider=world.city_bureau, values=values, themes=[theme], items=ITEMS
        )

    assert at_once(concurrently, *[lambda n=n: make(n) for n in range(6)]) == (6, [])  # type: ignore[misc]
    codes = sorted(Dataset.objects.values_list("code", flat=True))
    assert codes == [f"310000/{n:06d}" for n in range(1, 7)]


def test_of_two_records_of_one_title_at_once_one_is_made(
    committed: None, concurrently: Callable[..., list[Any]]
) -> None:
    world = World()

    def make() -> Dataset:
        values = dataset_values("空气质量")
        return lifecycle.create(actor=actor(world.cataloguer), provider=world.city_bureau, values=values)

    assert at_once(concurrently, make, make, make) == (1, [InvalidInput, InvalidInput])
    connection.close()


@pytest.mark.django_db
def test_sql_and_rule_agree_on_who_sees_what_for_any_record_and_reader(world: World) -> None:
    helpers = Group.objects.create(name="helpers")
    helper = make_user("helper")
    helper.groups.add(helpers)
    former = make_user("former", world.city_bureau, Duty.CATALOGUER)
    former.memberships.update(valid_from="2020-01-01", valid_until="2020-12-31")
    disabled = make_user("disabled", world.city_bureau, Duty.CATALOGUER)
    disabled.is_active = False
    disabled.save()
    readers = [AnonymousUser(), world.applicant, world.cataloguer, world.authority, world.provider, helper, former]
    readers += [disabled, make_user("auditor", admin_role="audit")]
    numbers = itertools.count()

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.sampled_from([world.city_bureau, world.province_bureau, world.county_bureau, world.authority_department]),
        st.sampled_from(DatasetState.values),
        st.sampled_from(SharingType.values),
        st.sampled_from(OpenType.values),
        st.booleans(),
    )
    def agree(provider: Any, state: str, sharing: str, opening: str, is_exception: bool) -> None:
        title = f"记录{next(numbers)}"
        dataset = make_dataset(provider, title, state=state, sharing_type=sharing, open_type=opening)
        if is_exception:
            assign_perm("view_dataset", helpers, dataset)
            search.index([dataset.pk])
        for reader in readers:
            is_found = Dataset.objects.visible_to(reader).filter(pk=dataset.pk).exists()
            assert is_found == has_perm(reader, Permission.DATASET_VIEW, dataset), reader
        dataset.delete()

    agree()


@pytest.mark.django_db
@pytest.mark.parametrize("state", DatasetState.values)
def test_an_exception_to_see_a_record_is_none_to_read_its_rows(world: World, state: str) -> None:
    helpers = Group.objects.create(name="helpers")
    helper = make_user("helper", world.county_bureau, Duty.APPLICANT)
    helper.groups.add(helpers)
    dataset = load(make_dataset(world.city_bureau, "空气质量", state="draft"), "code,name\n1,卧龙桥\n".encode())
    Dataset.objects.update(state=state)
    assign_perm("view_dataset", helpers, dataset)
    search.index([dataset.pk])
    client = Client()
    client.force_login(helper)
    page = client.get(f"/catalog/{dataset.pk}/")
    assert (page.status_code, "卧龙桥" in page.content.decode()) == (200, False)
    assert client.get(f"/catalog/{dataset.pk}/rows/").status_code == 404
