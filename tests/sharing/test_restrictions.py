"""The restriction list: who may list whom, what each effect does, statements, lifting, and who reads it."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

import pytest
from django.utils import timezone

from catalog.models import Dataset
from portal.departments import changes
from portal.errors import InvalidInput, NotPermitted, WrongState
from portal.models import Notice
from sharing import workflow
from sharing.facts import facts_of
from sharing.models import Restriction, Route, RouteVersion, SharingRequest
from sharing.restrictions import acts, queries
from sharing.restrictions.acts import Listing
from sharing.routing import words
from tests.checks import findings
from tests.clients import client_of
from tests.factories import (
    World,
    actor,
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


def day(days: int) -> dt.date:
    return timezone.localdate() + dt.timedelta(days=days)


def enter(world: World, user: Any = None, **changed: Any) -> Restriction:
    """The county bureau on the list for ninety days, unless ``changed`` says otherwise."""
    values: dict[str, Any] = {
        "department": world.county_bureau,
        "effect": "warn",
        "reason": "超范围使用数据",
        "basis": "共享协议第六条",
        "since": day(0),
        "until": day(90),
    }
    return acts.enter(listing=Listing(**values | changed), actor=actor(user or world.authority))


@pytest.fixture
def dataset(world: World) -> Dataset:
    return make_dataset(world.province_bureau, "低保对象")


def test_the_listed_side_is_told_with_the_reason(world: World) -> None:
    entry = enter(world)
    told = Notice.objects.filter(kind="restricted")
    assert set(told.values_list("user__username", flat=True)) == {"applicant", "applicant_head"}
    assert told[0].data["note"] == "超范围使用数据"
    assert entry.number.startswith(f"XZ{timezone.localdate():%Y}")
    assert entry.authority == world.authority_department
    assert findings() == []


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"reason": " "}, "reason"),
        ({"basis": ""}, "basis"),
        ({"effect": "shame"}, "effect"),
        ({"since": day(-1)}, "until"),
        ({"since": day(5), "until": day(4)}, "until"),
        ({"until": day(2_000)}, "until"),
    ],
)
def test_an_entry_needs_reason_basis_effect_and_term(world: World, changed: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as error:
        enter(world, **changed)
    assert list(error.value.fields) == [field]
    assert not Restriction.objects.exists()


def test_heads_of_the_authority_above_list_and_nobody_else(world: World) -> None:
    reviewer = make_user("reviewer", world.authority_department, "authority_reviewer")
    province_head = make_user("province_head", world.province_authority_department, "authority_head")
    for user in (reviewer, world.provider, world.applicant_head):
        with pytest.raises(NotPermitted):
            enter(world, user)
    with pytest.raises(NotPermitted):
        enter(world, department=world.province_bureau)
    with pytest.raises(NotPermitted):
        enter(world, department=world.authority_department)
    assert enter(world, province_head).authority == world.province_authority_department
    assert enter(world, province_head, department=world.authority_department, effect="review").department.is_authority


def test_entries_of_one_effect_do_not_overlap(world: World) -> None:
    enter(world)
    with pytest.raises(InvalidInput):
        enter(world, since=day(90), until=day(100))
    enter(world, since=day(91), until=day(100))
    enter(world, effect="review")
    enter(world, person=world.applicant)
    with pytest.raises(InvalidInput):
        enter(world, person=world.applicant)
    enter(world, person=world.applicant_head)
    assert Restriction.objects.count() == 5


@pytest.mark.usefixtures("committed")
def test_of_two_who_list_a_department_at_once_one_is_refused(concurrently: Any) -> None:
    world = World()
    results = concurrently(lambda: enter(world), lambda: enter(world))
    assert sorted(type(each).__name__ for each in results) == ["InvalidInput", "Restriction"]
    assert Restriction.objects.count() == 1


def test_a_lifted_entry_makes_room_and_stays_in_the_history(world: World) -> None:
    entry = enter(world)
    lifted = acts.lift(entry=entry, actor=actor(world.authority), reason="已整改")
    assert (lifted.state, lifted.lift_reason, lifted.lifted_by) == ("lifted", "已整改", world.authority)
    with pytest.raises(WrongState):
        acts.lift(entry=entry, actor=actor(world.authority), reason="再次")
    again = enter(world)
    client = client_of(world.authority)
    assert [row.pk for row in client.get("/restrictions/?state=ended").context["object_list"]] == [entry.pk]
    assert [row.pk for row in client.get("/restrictions/?state=in_force").context["object_list"]] == [again.pk]
    assert Notice.objects.filter(kind="restriction_lifted", user=world.applicant).count() == 1
    assert findings() == []


def test_lifting_needs_the_authority_and_a_reason(world: World) -> None:
    entry = enter(world)
    with pytest.raises(NotPermitted):
        acts.lift(entry=entry, actor=actor(world.applicant_head), reason="已整改")
    with pytest.raises(InvalidInput):
        acts.lift(entry=entry, actor=actor(world.authority), reason=" ")
    answer = client_of(world.authority).post(f"/restrictions/{entry.pk}/lift/", {"text": ""})
    assert answer.status_code == 422
    assert Restriction.objects.get().lifted_at is None


def test_the_listed_side_states_its_view_once(world: World) -> None:
    entry = enter(world)
    with pytest.raises(NotPermitted):
        acts.state(entry=entry, actor=actor(world.authority), text="冒名")
    client = client_of(world.applicant_head)
    client.post(f"/restrictions/{entry.pk}/state/", {"text": "已经整改"})
    entry.refresh_from_db()
    assert (entry.statement, entry.stated_by) == ("已经整改", world.applicant_head)
    assert Notice.objects.get(kind="restriction_stated").user == world.authority
    with pytest.raises(WrongState):
        acts.state(entry=entry, actor=actor(world.applicant), text="再次")
    answer = client.post(f"/restrictions/{entry.pk}/state/", {"text": "第三次"})
    assert (answer.status_code, Restriction.objects.get().statement) == (409, "已经整改")
    assert findings() == []


def test_a_person_s_entry_is_stated_by_that_person_alone(world: World) -> None:
    entry = enter(world, person=world.applicant)
    with pytest.raises(NotPermitted):
        acts.state(entry=entry, actor=actor(world.applicant_head), text="替他说")
    acts.state(entry=entry, actor=actor(world.applicant), text="情况属实")
    with pytest.raises(InvalidInput):
        enter(world, person=world.provider)


def test_verify_finds_an_entry_that_was_changed_behind_the_record(world: World) -> None:
    entry = enter(world)
    Restriction.objects.update(until=day(1))
    assert [found.subject for found in findings()] == [f"restriction:{entry.pk}"]


# --- what it does ---


def test_who_is_blocked_cannot_submit_and_reads_why(world: World, dataset: Dataset) -> None:
    entry = enter(world, effect="block")
    request = make_request(world, dataset)
    with pytest.raises(InvalidInput) as error:
        submit(world, request)
    assert entry.number in error.value.fields["restrictions"][0]
    assert SharingRequest.objects.get().state == "draft"
    answer = client_of(world.applicant).post(f"/requests/{request.pk}/submit/", follow=True).content.decode()
    assert f"西湖区民政局在{day(90).isoformat()}前暂停申请资格" in answer
    acts.lift(entry=entry, actor=actor(world.authority), reason="已整改")
    assert submit(world, request).state == "in_review"


@pytest.mark.parametrize("changed", [{"since": day(1)}, {"effect": "warn"}, {"effect": "review"}])
def test_entries_to_come_and_lesser_ones_do_not_block(world: World, dataset: Dataset, changed: dict[str, Any]) -> None:
    enter(world, **{"effect": "block"} | changed)
    assert submit(world, make_request(world, dataset)).state == "in_review"


def test_an_entry_over_its_term_does_nothing(world: World, dataset: Dataset) -> None:
    enter(world, effect="block")
    Restriction.objects.update(since=day(-20), until=day(-1))
    assert submit(world, make_request(world, dataset)).state == "in_review"


def test_a_blocked_person_submits_nothing_and_their_drafts_stay(world: World, dataset: Dataset) -> None:
    colleague = make_user("colleague", world.county_bureau, "applicant")
    enter(world, effect="block", person=colleague)
    request = make_request(world, dataset)
    with pytest.raises(InvalidInput):
        workflow.submit(request=request, actor=actor(colleague))
    assert submit(world, request).state == "in_review"


def test_the_superior_that_files_for_others_is_blocked_too(world: World, dataset: Dataset) -> None:
    below = make_department("西湖区社会救助站", world.regions["county"])
    below.parent = world.county_bureau
    below.save()
    enter(world, effect="block")
    request = make_request(world, dataset)
    SharingRequest.objects.filter(pk=request.pk).update(department=below, filed_by_department=world.county_bureau)
    with pytest.raises(InvalidInput):
        submit(world, SharingRequest.objects.get())


def test_blocked_departments_and_people_get_no_renewal(world: World) -> None:
    enter(world, effect="block")
    with pytest.raises(InvalidInput) as error:
        queries.require_free([world.county_bureau.pk], [])
    assert list(error.value.fields) == ["restrictions"]
    queries.require_free([world.city_bureau.pk], [world.applicant.pk])


@pytest.mark.parametrize(("effect", "is_restricted"), [("warn", False), ("review", True), ("block", True)])
def test_a_route_asks_whether_the_applicant_is_to_be_reviewed(
    world: World, dataset: Dataset, effect: str, is_restricted: bool
) -> None:
    request = make_request(world, dataset)
    assert facts_of(request).is_restricted is False
    enter(world, effect=effect)
    assert facts_of(request).is_restricted is is_restricted


def test_a_stage_for_listed_applicants_stands_in_their_requests_alone(world: World, dataset: Dataset) -> None:
    extra = {
        "key": "strict",
        "title": "加强审核",
        "who": "authority_of_applicant",
        "duty": "authority_head",
        "working_days": 5,
        "any_of": [[{"field": "restricted", "operator": "eq", "value": True}]],
    }
    version = RouteVersion.objects.get(route="national")
    stages = [version.stages[0], version.stages[1], extra, *version.stages[2:]]
    RouteVersion.objects.filter(pk=version.pk).update(stages=stages)
    before = submit(world, make_request(world, dataset))
    enter(world, effect="review")
    after = submit(world, make_request(world, dataset))
    assert not before.steps.filter(stage="strict").exists()
    assert step_of(after, "strict").department == world.authority_department


def test_the_route_builder_reads_and_says_the_condition() -> None:
    assert words.read_value("restricted", "eq", "是") is True
    assert words.typed_value("restricted", False) in ("否", "no")
    assert set(words.hints()) == set(words.FIELD_LABELS)


def test_a_route_is_tried_for_a_listed_applicant(world: World, dataset: Dataset) -> None:
    stages = RouteVersion.objects.get(route="national").stages
    extra = stages[1] | {"key": "strict", "title": "加强审核", "duty": "authority_head"}
    extra["any_of"] = [[{"field": "restricted", "operator": "eq", "value": True}]]
    Route.objects.create(key="tried", title="试行")
    RouteVersion.objects.create(route_id="tried", number=1, stages=[*stages[:2], extra, *stages[2:]])
    client = client_of(world.authority)
    query = {"applicant": world.county_bureau.pk, "datasets": dataset.code, "purpose": "service"}
    plain = client.get("/routes/tried/preview/", query).content.decode()
    listed = client.get("/routes/tried/preview/", query | {"is_restricted": "on"}).content.decode()
    assert "<b>加强审核</b>" not in plain
    assert "<b>加强审核</b>" in listed


def test_offices_read_the_note_on_the_step_and_in_the_panel(world: World, dataset: Dataset) -> None:
    enter(world, effect="warn")
    entry = enter(world, effect="review", person=world.applicant)
    acts.state(entry=entry, actor=actor(world.applicant), text="情况属实")
    step = step_of(submit(world, make_request(world, dataset)), "own-department")
    for path in ("", "panel/"):
        page = client_of(world.applicant_head).get(f"/steps/{step.pk}/{path}").content.decode()
        assert page.count("超范围使用数据") == 2
        assert "情况属实" in page
    Restriction.objects.update(since=day(-9), until=day(-1))
    assert "超范围使用数据" not in client_of(world.applicant_head).get(f"/steps/{step.pk}/").content.decode()


# --- the list ---


def test_who_reads_which_entries(world: World) -> None:
    colleague = make_user("colleague", world.county_bureau, "cataloguer")
    reviewer = make_user("reviewer", world.province_authority_department, "authority_reviewer")
    of_department, of_person = enter(world), enter(world, person=world.applicant)
    elsewhere = enter(world, department=world.city_bureau)

    def read(user: Any) -> set[Restriction]:
        return set(Restriction.objects.readable_by(actor(user)))

    assert read(world.authority) == read(reviewer) == {of_department, of_person, elsewhere}
    assert read(world.applicant) == read(world.applicant_head) == {of_department, of_person}
    assert read(colleague) == {of_department}, "which person is listed is not everybody's business"
    assert read(world.provider2) == {elsewhere}
    assert read(world.provider) == set()
    assert client_of(colleague).get(f"/restrictions/{of_person.pk}/").status_code == 404
    assert client_of(world.provider).post(f"/restrictions/{of_department.pk}/lift/", {"text": "x"}).status_code == 404
    assert client_of(world.applicant).post(f"/restrictions/{of_department.pk}/lift/", {"text": "x"}).status_code == 403
    assert client_of(world.applicant).get("/restrictions/new/").status_code == 403


def test_the_form_lists_by_names_and_keeps_what_was_typed(world: World, dataset: Dataset) -> None:
    client = client_of(world.authority)
    grant = granted(world, dataset).items.get().grant
    typed = {
        "department": "西湖区民政局",
        "person": "applicant",
        "effect": "review",
        "since": day(0),
        "until": day(30),
        "reason": "超范围使用",
        "basis": "协议第六条",
        "request": grant.item.request.number,
    }
    wrong = client.post("/restrictions/new/", typed | {"person": "provider"})
    assert wrong.status_code == 422
    assert "超范围使用" in wrong.content.decode()
    assert client.post("/restrictions/new/", typed | {"request": "GX1"}).status_code == 422
    assert client.post("/restrictions/new/", typed).status_code == 302
    entry = Restriction.objects.get()
    assert (entry.person, entry.request, entry.effect) == (world.applicant, grant.item.request, "review")
    assert client.post("/restrictions/new/", typed).status_code == 422
    assert Restriction.objects.count() == 1


def test_a_grant_or_request_of_another_department_is_not_linked(world: World, dataset: Dataset) -> None:
    grant = granted(world, dataset).items.get().grant
    with pytest.raises(InvalidInput):
        enter(world, department=world.city_bureau, grant=grant)
    assert enter(world, grant=grant).grant == grant


def test_the_list_is_filtered_sorted_and_exported_without_formulas(world: World) -> None:
    one = enter(world, reason="=cmd|'/c calc'!A1", until=day(10))
    two = enter(world, effect="block", until=day(50))
    person = enter(world, person=world.applicant, until=day(30))
    client = client_of(world.authority)

    def found(query: str) -> list[str]:
        return [row.number for row in client.get(f"/restrictions/?{query}").context["object_list"]]

    assert found("") == [person.number, two.number, one.number]
    assert found("sort=until") == [one.number, person.number, two.number]
    assert found("effect=block") == [two.number]
    assert found("kind=person") == [person.number]
    assert found("state=to_come") == []
    assert found(f"q={one.number}") == [one.number]
    assert found("q=cmd") == [one.number]
    rows = list(csv.reader(io.StringIO(b"".join(client.get("/restrictions/export/?sort=until")).decode("utf-8-sig"))))
    assert [row[0] for row in rows[1:]] == [one.number, person.number, two.number]
    assert rows[1][5] == "'=cmd|'/c calc'!A1"


def test_the_list_takes_a_fixed_number_of_queries(world: World) -> None:
    enter(world)
    client = client_of(world.authority)
    queries_of(client, "/restrictions/")
    before = queries_of(client, "/restrictions/")
    for n in range(1, 6):
        enter(world, since=day(91 + n * 10), until=day(99 + n * 10))
    assert queries_of(client, "/restrictions/") == before


def test_nobody_gets_rid_of_an_entry_by_a_merger(world: World) -> None:
    target = make_department("西湖区民政和人社局", world.regions["county"])
    moved, kept = enter(world, effect="block"), enter(world)
    enter(world, department=target)
    admin = make_user("secadmin", admin_role="security")
    seen = changes.preview(changes.moves_of_merger([world.county_bureau], target)).seen
    changes.merge(sources=[world.county_bureau], target=target, actor=actor(admin), seen=seen)
    assert Restriction.objects.get(pk=moved.pk).department == target
    assert Restriction.objects.get(pk=kept.pk).department == world.county_bureau
    assert findings() == []
