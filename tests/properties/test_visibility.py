"""Whoever the people, duties, deputies, exceptions and records are: the list and the rule give the same answer."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.db import transaction
from django.utils import timezone
from guardian.shortcuts import assign_perm
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog import access_exceptions, search
from catalog.explaining import explain
from catalog.models import Dataset, DatasetState, OpenType, SharingType
from portal.access import Actor, Permission, has_perm
from portal.accounts.models import User
from portal.departments import duties
from portal.departments.models import AUTHORITY_DUTIES, Department, Duty
from portal.deputies.delegations import name_deputy
from portal.deputies.models import Delegation
from portal.errors import InvalidInput
from tests.factories import make_dataset, make_department, make_regions, make_user

pytestmark = pytest.mark.django_db
PEOPLE, DEPARTMENTS, RECORDS = 4, 4, 3
numbers = itertools.count()
index = st.integers(min_value=0, max_value=100)
acts = st.one_of(
    st.tuples(st.just("duty"), index, index, st.sampled_from(Duty.values)),
    st.tuples(st.just("former"), index, index, st.sampled_from(Duty.values)),
    st.tuples(st.just("end"), index, index, st.just("")),
    st.tuples(
        st.just("record"),
        index,
        index,
        st.tuples(
            st.sampled_from(DatasetState.values),
            st.sampled_from(SharingType.values),
            st.sampled_from(OpenType.values),
        ),
    ),
    st.tuples(st.just("exception"), index, index, st.sampled_from(Duty.values)),
    st.tuples(st.just("group"), index, index, st.just("")),
    st.tuples(st.just("deputy"), index, index, st.just("")),
    st.tuples(st.just("deputy_over"), index, index, st.just("")),
    st.tuples(st.just("disable"), index, index, st.just("")),
)


class Drawn:
    """A few departments at three levels with a data authority, people, and what ``acts`` make of them."""

    def __init__(self) -> None:
        regions = make_regions()
        tag = next(numbers)
        self.departments: list[Department] = [
            make_department(f"数据局{tag}", regions["province"], "data_authority"),
            make_department(f"省厅{tag}", regions["province"]),
            make_department(f"市局{tag}", regions["city"]),
            make_department(f"区局{tag}", regions["county"]),
        ]
        self.people: list[User] = [make_user(f"p{tag}-{n}") for n in range(PEOPLE)]
        self.people += [make_user(f"a{tag}-{role}", admin_role=role) for role in ("security", "audit", "system")]
        self.records: list[Dataset] = []

    def act(self, kind: str, first: int, second: int, detail: Any) -> None:
        person, department = self.people[first % PEOPLE], self.departments[second % DEPARTMENTS]
        other = self.people[second % PEOPLE]
        getattr(self, kind)(person, department, other, detail)

    def duty(self, person: User, department: Department, other: User, detail: str) -> None:
        person.refresh_from_db()
        if person.is_active and (detail not in AUTHORITY_DUTIES or department.is_authority):
            duties.assign(user=person, department=department, duty=detail, actor=Actor.system())

    def former(self, person: User, department: Department, other: User, detail: str) -> None:
        self.duty(person, department, other, detail)
        past = timezone.localdate() - dt.timedelta(days=400)
        person.memberships.filter(department=department).update(valid_from=past, valid_until=past)

    def end(self, person: User, department: Department, other: User, detail: str) -> None:
        for membership in person.memberships.current().filter(department=department):
            duties.end(membership=membership, actor=Actor.system())

    def record(self, person: User, department: Department, other: User, detail: tuple[str, str, str]) -> None:
        state, sharing, opening = detail
        title = f"记录{next(numbers)}"
        self.records.append(make_dataset(department, title, state=state, sharing_type=sharing, open_type=opening))

    def exception(self, person: User, department: Department, other: User, detail: str) -> None:
        for dataset in self.records[-1:]:
            try:
                access_exceptions.give(
                    dataset=dataset,
                    department=department,
                    duty=detail,
                    valid_until=timezone.localdate(),
                    reason="联合检查",
                    actor=Actor.of(self.people[PEOPLE]),
                )
            except InvalidInput:  # the duty has this exception already
                continue

    def group(self, person: User, department: Department, other: User, detail: str) -> None:
        helpers = Group.objects.create(name=f"helpers{next(numbers)}")
        person.groups.add(helpers)
        for dataset in self.records[-1:]:
            assign_perm("view_dataset", helpers, dataset)
            search.index([dataset.pk])

    def deputy(self, person: User, department: Department, other: User, detail: str) -> None:
        held = list(person.memberships.current().exclude(duty=Duty.CLERK).select_related("department"))
        today = timezone.localdate()
        for membership in held[:1]:
            try:
                name_deputy(
                    principal=person,
                    deputy=other,
                    department=membership.department,
                    duties=[membership.duty],
                    valid_from=today,
                    valid_until=today,
                    reason="休假",
                    actor=Actor.of(person),
                )
            except Exception as error:
                assert type(error).__name__ in ("InvalidInput", "NotPermitted")

    def deputy_over(self, person: User, department: Department, other: User, detail: str) -> None:
        past = timezone.localdate() - dt.timedelta(days=9)
        Delegation.objects.filter(principal=person).update(valid_from=past, valid_until=past)

    def disable(self, person: User, department: Department, other: User, detail: str) -> None:
        User.objects.filter(pk=person.pk).update(is_active=False)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.lists(acts, min_size=3, max_size=14))
def test_visible_to_and_has_perm_are_equal_whatever_happened_before(db: None, story: list[Any]) -> None:
    with transaction.atomic():
        drawn = Drawn()
        for act in story:
            drawn.act(*act)
        for reader in [AnonymousUser(), *User.objects.filter(pk__in=[person.pk for person in drawn.people])]:
            visible = set(Dataset.objects.visible_to(reader).values_list("pk", flat=True))
            for dataset in drawn.records:
                answer = has_perm(reader, Permission.DATASET_VIEW, dataset)
                assert (dataset.pk in visible) == answer, (reader, dataset, story)
                if isinstance(reader, User):
                    assert explain(reader, dataset).may_view == answer
        transaction.set_rollback(True)
