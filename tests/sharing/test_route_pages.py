"""Routes as data: choosing, checking, drafting, publishing, comparing and trying them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from portal.errors import InvalidInput, NotPermitted, WrongState
from portal.models import Event
from sharing.models import Route, RouteVersion, SharingRequest
from sharing.routes import parse_any_of, parse_stages
from sharing.routing import acts
from sharing.routing.checking import problems
from sharing.routing.words import alternatives, read_value
from tests.clients import client_of
from tests.factories import World, actor, make_dataset, make_region, make_request, make_user, step_of, submit

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate


def stage(key: str, who: str, duty: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "title": key, "who": who, "duty": duty, "working_days": 3, **more}


def when(field: str, operator: str, value: Any) -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value}


OWN = stage("own", "applicant", "own_approver")
GIVER = stage("giver", "provider", "provider_approver")


@pytest.fixture
def keeper(world: World) -> Any:
    """A reviewer of the highest authority, who keeps the routes for all regions."""
    return make_user("keeper", world.province_authority_department, "authority_reviewer")


@pytest.mark.parametrize(
    ("changes", "route"),
    [({"purpose": "emergency"}, "express"), ({"is_cross_border": True}, "cross-border"), ({}, "national")],
)
def test_the_first_route_that_fits_is_taken(world: World, changes: dict[str, Any], route: str) -> None:
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "甲"), **changes))
    assert request.route_version and request.route_version.route_id == route


def test_a_route_of_a_region_is_for_its_applicants_alone(world: World) -> None:
    Route.objects.filter(pk="provincial").update(is_active=True, region=world.regions["province"], rank=50)
    request = submit(world, make_request(world, make_dataset(world.province_bureau, "甲")))
    assert request.route_version and request.route_version.route_id == "provincial"
    assert step_of(request, "provider").working_days == 5
    Route.objects.filter(pk="provincial").update(region=make_region("330200", "宁波市", 3, world.regions["province"]))
    again = submit(world, make_request(world, make_dataset(world.province_bureau, "乙")))
    assert again.route_version and again.route_version.route_id == "national"


def drafted(keeper: Any) -> RouteVersion:
    return acts.start_draft(route=Route.objects.get(pk="national"), actor=actor(keeper))


def test_a_version_holds_from_its_day_on_and_running_requests_keep_theirs(world: World, keeper: Any) -> None:
    before = submit(world, make_request(world, make_dataset(world.province_bureau, "甲")))
    draft = drafted(keeper)
    route = draft.route
    shorter = {**draft.stages[2], "working_days": 4}
    draft = acts.put_stage(route=route, actor=actor(keeper), seen=0, stage=shorter, key="provider")
    tomorrow = TODAY() + dt.timedelta(days=1)
    acts.publish(route=route, actor=actor(keeper), seen=1, effective_from=tomorrow, note="缩短答复期限")
    same = submit(world, make_request(world, make_dataset(world.province_bureau, "乙")))
    assert same.route_version == before.route_version
    assert [v.number for v in RouteVersion.objects.in_force(tomorrow).filter(route=route)] == [2]
    RouteVersion.objects.filter(number=2).update(effective_from=TODAY())
    after = submit(world, make_request(world, make_dataset(world.province_bureau, "丙")))
    days = [step_of(request, "provider").working_days for request in (before, same, after)]
    assert days == [10, 10, 4]
    assert Event.objects.filter(verb="route.published").exists()


def test_what_was_published_cannot_be_changed_and_an_old_draft_is_stale(world: World, keeper: Any) -> None:
    draft = drafted(keeper)
    person = actor(keeper)
    acts.order_stage(route=draft.route, actor=person, seen=0, key="security", act="remove")
    with pytest.raises(WrongState):
        acts.order_stage(route=draft.route, actor=person, seen=0, key="provider", act="remove")
    with pytest.raises(InvalidInput):
        acts.publish(route=draft.route, actor=person, seen=1, effective_from=dt.date(2020, 1, 1), note="")
    acts.publish(route=draft.route, actor=person, seen=1, effective_from=TODAY(), note="")
    with pytest.raises(WrongState):
        acts.order_stage(route=draft.route, actor=person, seen=1, key="provider", act="remove")


def test_a_common_stage_cannot_be_moved_behind_the_providers(world: World, keeper: Any) -> None:
    draft = drafted(keeper)
    with pytest.raises(InvalidInput):
        acts.order_stage(route=draft.route, actor=actor(keeper), seen=0, key="compliance", act="down")
    one_more = stage("second", "authority_of_applicant", "authority_head")
    draft = acts.put_stage(route=draft.route, actor=actor(keeper), seen=0, stage=one_more)
    assert [row["key"] for row in draft.stages] == ["own-department", "compliance", "second", "provider", "security"]


def test_the_city_does_not_change_what_holds_for_all(world: World, keeper: Any) -> None:
    with pytest.raises(NotPermitted):
        acts.start_draft(route=Route.objects.get(pk="national"), actor=actor(world.authority))


def test_the_last_route_that_fits_everything_stays_on(world: World, keeper: Any) -> None:
    settings = acts.Settings("国家流程", "", 100, None, [], is_active=False)
    with pytest.raises(InvalidInput):
        acts.change_settings(route=Route.objects.get(pk="national"), settings=settings, actor=actor(keeper))


@pytest.mark.parametrize(
    ("stages", "any_of", "n"),
    [
        ([OWN, GIVER], [], 0),
        ([OWN, {**GIVER, "any_of": [[when("grade", "ge", 5), when("grade", "le", 3)]]}], [], 1),
        ([OWN, {**GIVER, "any_of": [[when("sharing_type", "eq", "not_shared")]]}], [], 1),
        ([OWN], [[when("cross_border", "eq", True), when("cross_border", "ne", True)]], 1),
        ([stage("own", "applicant", "authority_head")], [], 1),
        ([OWN, stage("check", "authority_of_applicant", "own_approver")], [], 1),
        ([OWN, {**OWN, "key": "again"}], [], 1),
        ([{**OWN, "afterwards": True}], [], 1),
        ([stage("named", "named", "own_approver", department="0199aaaa-0000-7000-8000-000000000000")], [], 1),
    ],
)
def test_checks_find_what_could_not_work(
    world: World, stages: list[dict[str, Any]], any_of: list[list[dict[str, Any]]], n: int
) -> None:
    found = problems(parse_stages(stages), parse_any_of(any_of, "route"))
    assert len([problem for problem in found if problem.is_error]) == n, found


def test_the_shipped_routes_have_no_error(world: World) -> None:
    for version in RouteVersion.objects.select_related("route"):
        found = problems(parse_stages(version.stages), parse_any_of(version.route.any_of, ""))
        assert not [problem for problem in found if problem.is_error], version


def test_conditions_in_words_and_values_as_typed() -> None:
    groups = parse_any_of([[when("grade", "ge", 3), when("cross_border", "eq", True)]], "")
    assert alternatives(groups) == ["数据分级 不低于 3 级 且 数据出境 为 是"] or len(alternatives(groups)) == 1
    assert read_value("grade", "in", "3，4") == [3, 4]
    assert read_value("cross_level", "eq", "是") is True
    for field, text in (("grade", "高"), ("cross_level", "maybe"), ("purpose", "fun")):
        with pytest.raises(ValueError, match=text):
            read_value(field, "eq", text)


def test_a_route_is_built_tried_and_published_on_its_pages(world: World, keeper: Any) -> None:
    client = client_of(keeper)
    dataset = make_dataset(world.province_bureau, "甲")
    form = {"key": "quick", "title": "快速流程", "source": "national", "rank": "40", "region": ""}
    condition = {"group": "1", "field": "grade", "operator": "le", "value": "2"}
    assert client.post("/routes/new/", form | condition).status_code == 302
    edit = client.get("/routes/quick/edit/")
    assert "数据提供部门审核" in edit.content.decode()
    typed = {
        "seen": "0",
        "key": "provider",
        "title": "提供部门快速审核",
        "who": "provider",
        "duty": "provider_approver",
        "quorum": "1",
        "working_days": "3",
        "late": "escalate",
    }
    assert client.post("/routes/quick/stages/provider/", typed).status_code == 302
    tried = client.get(
        "/routes/quick/preview/",
        {"applicant": str(world.county_bureau.pk), "datasets": dataset.code, "purpose": "service"},
    )
    assert "提供部门快速审核" in tried.content.decode()
    published = client.post(
        "/routes/quick/publish/", {"seen": "1", "effective_from": TODAY().isoformat(), "note": "试行"}
    )
    assert published.status_code == 302
    on = {"title": "快速流程", "rank": "40", "region": "", "is_active": "on"} | condition
    assert client.post("/routes/quick/settings/", on).status_code == 302
    request = submit(world, make_request(world, dataset))
    assert request.route_version and request.route_version.route_id == "quick"
    assert client.get("/routes/quick/compare/").status_code == 200
    client.post("/routes/quick/draft/")
    assert "<" in client.get("/routes/quick/compare/?old=1&new=2").content.decode()


def test_what_cannot_be_read_stays_typed(world: World, keeper: Any) -> None:
    client = client_of(keeper)
    client.post("/routes/national/draft/")
    typed = {"seen": "0", "key": "x y", "title": "环节", "who": "named", "duty": "own_approver", "quorum": "1"}
    typed |= {"working_days": "0", "late": "remind", "group": "1", "field": "grade", "operator": "eq", "value": "高"}
    answer = client.post("/routes/national/stages/new/", typed)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="x y"' in page
    assert 'value="高"' in page


def test_the_list_of_routes_takes_a_fixed_number_of_queries(world: World, django_assert_max_num_queries: Any) -> None:
    client = client_of(world.authority)
    client.get("/routes/")
    with django_assert_max_num_queries(40) as first:
        client.get("/routes/")
    for n in range(5):
        Route.objects.create(key=f"more-{n}", title=f"流程{n}", region=world.regions["city"])
    with django_assert_max_num_queries(len(first.captured_queries)):
        assert client.get("/routes/").status_code == 200
    assert SharingRequest.objects.count() == 0
