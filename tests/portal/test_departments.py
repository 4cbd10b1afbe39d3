"""What becomes of departments: acts with previews, and what moves with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from guardian.shortcuts import assign_perm
from stdnum.cn import uscc

from catalog.models import Dataset, DatasetGroupObjectPermission, DatasetSearchRow
from portal.access import Actor
from portal.audit import record
from portal.departments import changes, moving
from portal.departments.duties import duty_group
from portal.departments.models import Department, DepartmentChange, Duty, Membership
from portal.errors import InvalidInput, NotPermitted, PortalError, WrongState
from portal.models import Event, Notice
from sharing import grants
from sharing.models import ApprovalStep, Credential, Grant, SharingRequest
from tests.checks import findings
from tests.factories import (
    World,
    actor,
    decide,
    granted,
    make_dataset,
    make_department,
    make_request,
    make_user,
    step_of,
    submit,
)
from tests.queries import queries_of

pytestmark = pytest.mark.django_db
BASIS = "机构改革方案〔2026〕1号"


@pytest.fixture
def world(db: None) -> World:
    return World()


@pytest.fixture
def keeper(world: World) -> Actor:
    return actor(make_user("secadmin", admin_role="security"))


def merge_into(keeper: Actor, source: Department, target: Department) -> Department:
    seen = changes.preview(changes.moves_of_merger([source], target)).seen
    return changes.merge(sources=[source], target=target, actor=keeper, seen=seen, legal_basis=BASIS)


def test_a_merger_moves_everything_that_its_preview_counted(world: World, keeper: Actor) -> None:
    asked = make_dataset(world.province_bureau, "救助")
    granted(world, asked)
    grants.create_credential(grant=Grant.objects.get(), actor=actor(world.applicant))
    waiting = submit(world, make_request(world, asked))
    draft = make_dataset(world.city_bureau, "草稿", state="draft")
    assign_perm("catalog.view_dataset", duty_group(world.county_bureau, Duty.APPLICANT), draft)
    target = make_department("西湖区社会保障局", world.regions["county"])
    moves = changes.moves_of_merger([world.county_bureau], target)
    told = {line.key: line.count for line in changes.preview(moves).lines}
    merge_into(keeper, world.county_bureau, target)
    assert told == {
        "people": 2,
        "duties": 2,
        "exceptions": 1,
        "requests_open": 1,
        "requests_closed": 1,
        "steps": 1,
        "grants": 1,
        "credentials": 1,
    }
    assert DepartmentChange.objects.get(kind="merged").moved == told
    assert set(SharingRequest.objects.values_list("department", flat=True)) == {target.pk}
    assert (Grant.objects.get().department, Credential.objects.get().revoked_at) == (target, None)
    step = step_of(waiting, "own-department")
    assert (step.department, step.office) == (target, duty_group(target, Duty.OWN_APPROVER))
    assert DatasetGroupObjectPermission.objects.get().group == duty_group(target, Duty.APPLICANT)
    assert Dataset.objects.visible_to(world.applicant).filter(pk=draft.pk).exists()
    decide(step, world.applicant_head)
    assert step_of(waiting, "own-department").state == "done"
    assert findings() == []


def test_the_providers_datasets_lanes_and_readers_follow(world: World, keeper: Actor) -> None:
    asked = make_dataset(world.province_bureau, "救助")
    request = submit(world, make_request(world, asked))
    draft = make_dataset(world.province_bureau, "草稿", state="draft")
    target = make_department("浙江省社会工作部", world.regions["province"])
    merge_into(keeper, world.province_bureau, target)
    assert set(Dataset.objects.values_list("provider", flat=True)) == {target.pk}
    assert set(Dataset.objects.visible_to(world.provider)) == {asked, draft}
    assert DatasetSearchRow.objects.get(pk=draft.pk).provider == target
    decide(step_of(request, "own-department"), world.applicant_head)
    decide(step_of(request, "compliance"), world.authority)
    decide(step_of(request, "provider", target), world.provider)
    assert Grant.objects.get().department == world.county_bureau
    assert findings() == []


def test_an_ended_department_still_opens_and_names_its_successor(world: World, keeper: Actor) -> None:
    target = make_department("西湖区社会保障局", world.regions["county"])
    merge_into(keeper, world.county_bureau, target)
    client = Client()
    client.force_login(world.provider)
    response: Any = client.get(f"/departments/{world.county_bureau.pk}/")
    assert (response.status_code, response.context["successors"]) == (200, [target])
    found: Any = client.get("/departments/", {"q": "西湖区民政局"})
    assert list(found.context["object_list"]) == [world.county_bureau]
    events = Event.objects.filter(verb="department.merged").values_list("stream", flat=True)
    assert set(events) == {record.stream_of(world.county_bureau), record.stream_of(target)}
    assert set(Notice.objects.filter(kind="department_changed").values_list("user__username", flat=True)) == {
        "applicant",
        "applicant_head",
    }


def test_what_changed_since_the_preview_is_not_moved_blindly(world: World, keeper: Actor) -> None:
    target = make_department("西湖区社会保障局", world.regions["county"])
    seen = changes.preview(changes.moves_of_merger([world.county_bureau], target)).seen
    make_request(world, make_dataset(world.city_bureau, "空气"))
    with pytest.raises(WrongState):
        changes.merge(sources=[world.county_bureau], target=target, actor=keeper, seen=seen)
    assert Department.objects.get(pk=world.county_bureau.pk).is_active


def test_two_datasets_of_one_title_stand_against_a_merger(world: World, keeper: Actor) -> None:
    make_dataset(world.city_bureau, "空气")
    make_dataset(world.province_bureau, "空气")
    with pytest.raises(InvalidInput):
        merge_into(keeper, world.city_bureau, world.province_bureau)
    assert not DepartmentChange.objects.exists()


def test_a_department_with_duties_is_not_abolished_without_a_successor(world: World, keeper: Actor) -> None:
    moves = changes.moves_of_merger([world.county_bureau], None)
    seen = changes.preview(moves).seen
    with pytest.raises(InvalidInput) as refused:
        changes.abolish(department=world.county_bureau, successor=None, actor=keeper, seen=seen)
    assert list(refused.value.fields) == ["successor"]
    empty = make_department("西湖区档案局", world.regions["county"])
    seen = changes.preview(changes.moves_of_merger([empty], None)).seen
    assert not changes.abolish(department=empty, successor=None, actor=keeper, seen=seen).is_active


def test_an_authority_is_succeeded_by_an_authority_alone_and_its_steps_go_there(world: World, keeper: Actor) -> None:
    request = submit(world, make_request(world, make_dataset(world.city_bureau, "空气")))
    review = make_dataset(
        world.city_bureau, "待审", state="authority_review", review_region=world.authority_department.region
    )
    with pytest.raises(InvalidInput):
        merge_into(keeper, world.authority_department, world.city_bureau)
    merge_into(keeper, world.authority_department, world.province_authority_department)
    assert step_of(request, "compliance").department == world.province_authority_department
    review.refresh_from_db()
    assert review.review_region == world.regions["province"]
    assert Dataset.objects.visible_to(world.authority).filter(pk=review.pk).exists()


def test_a_split_moves_what_was_chosen_and_nothing_else(world: World, keeper: Actor) -> None:
    going, staying = (make_dataset(world.province_bureau, title) for title in ("去", "留"))
    request = submit(world, make_request(world, going, staying))
    chosen = Membership.objects.get(user=world.security)
    client = Client()
    client.force_login(keeper.user)  # type: ignore[arg-type]
    path = f"/departments/{world.province_bureau.pk}/split/"
    body = {
        "name_1": "浙江省救助局",
        "code_1": "11330000MB9000001" + uscc.calc_check_digit("11330000MB9000001"),
        f"datasets:{going.pk}": "1",
        f"memberships:{chosen.pk}": "1",
        "legal_basis": BASIS,
    }
    shown: Any = client.post(path, body)
    counts = {line.key: line.count for line in shown.context["preview"].lines}
    done = client.post(path, body | {"confirm": "1", "seen": shown.context["seen"]})
    assert (done.status_code, counts) == (302, {"datasets": 1, "items": 2, "people": 1, "duties": 1})
    part = Department.objects.get(name="浙江省救助局")
    assert list(part.datasets.all()) == [going]
    assert list(Membership.objects.current().filter(department=part).values_list("user__username")) == [("security",)]
    assert step_of(request, "provider", world.province_bureau).department == world.province_bureau
    again = client.post(path, body | {"confirm": "1", "seen": shown.context["seen"]})
    assert (again.status_code, Department.objects.filter(name="浙江省救助局").count()) == (409, 1)


def test_a_renamed_department_is_found_under_both_names(world: World, keeper: Actor) -> None:
    client = Client()
    client.force_login(keeper.user)  # type: ignore[arg-type]
    bureau = world.county_bureau
    path = f"/departments/{bureau.pk}/edit/"
    body = {"name": "西湖区社会局", "kind": "bureau", "credit_code": bureau.credit_code, "legal_basis": BASIS}
    wrong = client.post(path, body | {"credit_code": bureau.credit_code[:-1] + "*"})
    seen = client.post(path, body).context["seen"]
    assert (wrong.status_code, client.post(path, body | {"confirm": "1", "seen": seen}).status_code) == (422, 302)
    assert client.post(path, body | {"name": "乙局", "confirm": "1", "seen": seen}).status_code == 409
    for text in ("西湖区民政局", "西湖区社会局"):
        response: Any = client.get("/departments/", {"q": text})
        assert [row.name for row in response.context["object_list"]] == ["西湖区社会局"]
    page: Any = client.get(f"/departments/{bureau.pk}/")
    assert page.context["former_names"] == ["西湖区民政局"]


def test_a_department_cannot_stand_under_its_own_branch(world: World, keeper: Actor) -> None:
    top, branch = world.province_bureau, world.city_bureau
    changes.move_under(department=branch, superior=top, actor=keeper, seen=changes.mark_of(branch))
    with pytest.raises(InvalidInput):
        changes.move_under(department=top, superior=branch, actor=keeper, seen=changes.mark_of(top))
    branch.refresh_from_db()
    merge_into(keeper, top, branch)
    assert Department.objects.get(pk=branch.pk).parent is None


def test_only_the_security_administrator_changes_departments(world: World) -> None:
    for user in (world.authority, make_user("sysadmin", admin_role="system")):
        with pytest.raises(NotPermitted):
            merge_into(actor(user), world.county_bureau, world.city_bureau)
    assert not DepartmentChange.objects.exists()


def test_a_clerk_keeps_the_people_of_the_own_department_only(world: World) -> None:
    clerk = make_user("clerk", world.county_bureau, Duty.CLERK)
    fresh = make_user("fresh")
    client = Client()
    client.force_login(clerk)
    path = f"/departments/{world.county_bureau.pk}/people/"
    assert client.get(f"/departments/{world.city_bureau.pk}/people/").status_code == 403
    answers = [
        client.post(path, {"username": name, "duty": duty}).status_code
        for name, duty in (
            ("fresh", "applicant"),
            ("clerk", "applicant"),
            ("fresh", "clerk"),
            ("provider", "applicant"),
            ("nobody", "applicant"),
        )
    ]
    assert answers == [302, 422, 422, 422, 422]
    given = Membership.objects.get(user=fresh)
    assert list(Notice.objects.filter(user=fresh).values_list("kind", flat=True)) == ["duty_given"]
    own = Membership.objects.get(user=clerk)
    assert client.post(f"{path}{own.pk}/end/").status_code == 403
    assert client.get(f"{path}{given.pk}/end/").status_code == 200
    client.post(f"{path}{given.pk}/end/")
    assert not Membership.objects.current().filter(user=fresh).exists()
    assert set(Notice.objects.filter(user=fresh).values_list("kind", flat=True)) == {"duty_given", "duty_ended"}


def test_trees_and_lists_take_a_fixed_number_of_queries(world: World) -> None:
    client = Client()
    client.force_login(world.applicant)
    paths = ("/departments/", "/departments/regions/?at=330106", "/departments/lines/")
    client.get("/departments/")
    few = [queries_of(client, path) for path in paths]
    for number in range(15):
        make_department(f"西湖区{number}局", world.regions["county"])
    assert [queries_of(client, path) for path in paths] == few
    node: Any = client.get("/departments/regions/?at=330100")
    assert [(row.code, row.n) for row in node.context["below"]] == [("330106", 16)]


@pytest.mark.usefixtures("committed")
@pytest.mark.django_db(transaction=True)
def test_of_two_mergers_at_once_one_is_refused(concurrently: Callable[..., list[Any]]) -> None:
    world = World()
    keeper = actor(make_user("secadmin", admin_role="security"))
    results = concurrently(
        lambda: merge_into(keeper, world.county_bureau, world.city_bureau),
        lambda: merge_into(keeper, world.county_bureau, world.province_bureau),
    )
    refused = [result for result in results if isinstance(result, PortalError)]
    assert [type(result) for result in refused] == [WrongState]
    assert DepartmentChange.objects.count() == 1
    assert ApprovalStep.objects.count() == 0
    assert moving.descendants_of(world.county_bureau.pk) == set()
