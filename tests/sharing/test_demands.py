"""The demand list: who may do what, in which order, and who is told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.access import Actor
from portal.calendars.working_days import deadline
from portal.errors import InvalidInput, NotPermitted, WrongState
from portal.models import Event, Notice
from sharing.demands import acts, answers, keeping, queries, verification
from sharing.demands.acts import Wanted
from sharing.models import Demand, DemandState, Responsibility
from tests.clients import client_of
from tests.factories import World, actor, make_dataset, make_department, make_user
from tests.queries import queries_of
from tests.sharing.demanding import WANTED, accepted, ask, assigned, linked

pytestmark = pytest.mark.django_db


def told(user: Any) -> list[str]:
    return list(Notice.objects.filter(user=user).order_by("id").values_list("kind", flat=True))


def test_a_demand_goes_from_asking_to_the_catalogue_and_everybody_is_told(world: World) -> None:
    demand = ask(world)
    assert (demand.state, demand.authority) == ("submitted", world.authority_department)
    assert demand.due_at == deadline(timezone.localdate(), 5).at
    demand = acts.assign(demand=demand, actor=actor(world.authority), holder=world.city_bureau)
    assert (demand.state, demand.due_at) == ("assigned", deadline(timezone.localdate(), 10).at)
    day = timezone.localdate() + dt.timedelta(days=30)
    demand = answers.accept(demand=demand, actor=actor(world.provider2), promised_on=day)
    line = Responsibility.objects.get(demand=demand)
    assert (line.department, line.due_on, line.done_on) == (world.city_bureau, day, None)
    dataset = make_dataset(world.city_bureau, "婚姻登记")
    demand = answers.link(demand=demand, actor=actor(world.cataloguer), dataset=dataset)
    line.refresh_from_db()
    assert (demand.state, line.done_on, line.dataset) == ("catalogued", timezone.localdate(), dataset)
    demand = acts.confirm(demand=demand, actor=actor(world.applicant))
    assert (demand.state, demand.due_at, demand.closed_at is not None) == ("fulfilled", None, True)
    assert told(world.authority) == ["demand_to_assign"]
    assert told(world.provider2) == ["demand_to_answer", "demand_changed"]
    assert told(world.applicant)[-3:] == ["demand_changed"] * 3
    verbs = list(Event.objects.filter(stream=f"demand:{demand.pk}").order_by("seq").values_list("verb", flat=True))
    steps = ["submitted", "assigned", "accepted", "linked", "confirmed"]
    assert verbs == [f"demand.{step}" for step in steps]
    assert list(verification.states()) == []


def test_only_the_authority_assigns_and_only_the_holder_answers(world: World) -> None:
    demand = ask(world)
    for user in (world.applicant, world.provider2, world.cataloguer):
        with pytest.raises(NotPermitted):
            acts.assign(demand=demand, actor=actor(user), holder=world.city_bureau)
    demand = acts.assign(demand=demand, actor=actor(world.authority), holder=world.city_bureau)
    for user in (world.applicant, world.authority, world.provider, world.cataloguer):
        with pytest.raises(NotPermitted):
            answers.accept(demand=demand, actor=actor(user), promised_on=timezone.localdate())
    demand.refresh_from_db()
    assert (demand.state, demand.version) == ("assigned", 2)


def test_who_asked_does_not_steer_their_own_demand(world: World) -> None:
    demand = acts.create(actor=actor(world.authority), department=world.authority_department, wanted=WANTED)
    with pytest.raises(NotPermitted):
        acts.assign(demand=demand, actor=actor(world.authority), holder=world.city_bureau)


def test_an_act_on_an_old_page_changes_nothing(world: World) -> None:
    demand = ask(world)
    acts.assign(demand=demand, actor=actor(world.authority), holder=world.city_bureau, seen_version=demand.version)
    with pytest.raises(WrongState):
        acts.reject(
            demand=demand, actor=actor(world.authority), reason="unclear", answer="x", seen_version=demand.version
        )
    with pytest.raises(WrongState):
        acts.assign(demand=demand, actor=actor(world.authority), holder=world.province_bureau, seen_version=1)
    demand.refresh_from_db()
    assert (demand.holder, demand.state) == (world.city_bureau, "assigned")


def test_two_answers_at_once_leave_one(committed: None, concurrently: Callable[..., list[Any]]) -> None:
    world = World()
    demand = assigned(world)
    who = actor(world.provider2)
    day = timezone.localdate()
    results = concurrently(
        lambda: answers.accept(demand=demand, actor=who, promised_on=day),
        lambda: answers.decline(demand=demand, actor=who, reason="other", answer="no"),
    )
    assert sorted(type(result).__name__ for result in results) == ["Demand", "WrongState"]
    assert Event.objects.filter(stream=f"demand:{demand.pk}").count() == 3


def test_what_is_not_held_goes_back_with_who_holds_it(world: World) -> None:
    demand = answers.decline(
        demand=assigned(world),
        actor=actor(world.provider2),
        reason="not_held",
        answer="由省民政厅统一登记",
        suggested_holder=world.province_bureau,
    )
    assert (demand.state, demand.suggested_holder, demand.closed_at) == ("submitted", world.province_bureau, None)
    assert demand.due_at == deadline(timezone.localdate(), 5).at
    assert told(world.authority) == ["demand_to_assign", "demand_to_assign"]
    page = client_of(world.authority).get(reverse("sharing:demand-act", args=[demand.pk, "assign"]))
    assert world.province_bureau.credit_code in page.content.decode()


def test_a_refusal_needs_its_reason_and_text_and_stands_as_a_suggestion(world: World) -> None:
    demand = assigned(world)
    with pytest.raises(InvalidInput) as refused:
        answers.decline(demand=demand, actor=actor(world.provider2), reason="", answer=" ")
    assert set(refused.value.fields) == {"reason", "answer"}
    declined = answers.decline(
        demand=demand, actor=actor(world.provider2), reason="law_forbids", answer="《档案法》第二十八条"
    )
    assert declined.state == "declined"
    page = client_of(world.authority).get(reverse("sharing:negative-list"), {"tab": "suggested"})
    assert "《档案法》第二十八条" in page.content.decode()


def test_a_promise_lies_between_today_and_two_years(world: World) -> None:
    demand = assigned(world)
    today = timezone.localdate()
    for day in (today - dt.timedelta(days=1), today + dt.timedelta(days=731)):
        with pytest.raises(InvalidInput):
            answers.accept(demand=demand, actor=actor(world.provider2), promised_on=day)
    assert answers.accept(demand=demand, actor=actor(world.provider2), promised_on=today).state == "accepted"


def test_only_a_published_shared_dataset_of_the_holder_meets_a_demand(world: World) -> None:
    demand = accepted(world)
    wrong = [
        make_dataset(world.province_bureau, "别家的"),
        make_dataset(world.city_bureau, "草稿", state="draft"),
        make_dataset(world.city_bureau, "不予共享", sharing_type="not_shared"),
    ]
    for dataset in wrong:
        with pytest.raises(InvalidInput):
            answers.link(demand=demand, actor=actor(world.provider2), dataset=dataset)
    demand.refresh_from_db()
    assert (demand.state, demand.dataset) == ("accepted", None)


def test_an_objection_goes_back_to_the_holder_and_ends_the_promise(world: World) -> None:
    demand = acts.object_to(demand=linked(world), actor=actor(world.applicant), reason="缺少登记日期")
    assert (demand.state, demand.dataset, demand.promised_on, demand.objections) == ("assigned", None, None, 1)
    assert not Responsibility.objects.filter(demand=demand).exists()
    again = make_dataset(world.city_bureau, "婚姻登记二")
    demand = answers.link(demand=demand, actor=actor(world.provider2), dataset=again)
    demand = acts.object_to(demand=demand, actor=actor(world.applicant), reason="还是缺")
    demand = answers.link(demand=demand, actor=actor(world.provider2), dataset=again)
    with pytest.raises(WrongState):
        acts.object_to(demand=demand, actor=actor(world.applicant), reason="第三次")


def test_others_join_instead_of_asking_again(world: World) -> None:
    demand = ask(world)
    acts.join(demand=demand, actor=actor(world.provider), department=world.province_bureau, need="全省比对")
    with pytest.raises(WrongState):
        acts.join(demand=demand, actor=actor(world.provider), department=world.province_bureau, need="再来")
    with pytest.raises(WrongState):
        acts.join(demand=demand, actor=actor(world.applicant), department=world.county_bureau, need="自己")
    with pytest.raises(WrongState):
        acts.withdraw(demand=demand, actor=actor(world.applicant))
    acts.assign(demand=demand, actor=actor(world.authority), holder=world.city_bureau)
    assert told(world.provider)[-1] == "demand_changed"


def test_merging_brings_askers_and_supporters_along(world: World) -> None:
    first = ask(world)
    second = acts.create(actor=actor(world.provider2), department=world.city_bureau, wanted=WANTED)
    acts.join(demand=second, actor=actor(world.provider), department=world.province_bureau, need="全省比对")
    merged = acts.merge(demand=second, actor=actor(world.authority), into=first)
    assert (merged.state, merged.merged_into) == ("merged", first)
    joined = set(first.supporters.values_list("department", flat=True))
    assert joined == {world.city_bureau.pk, world.province_bureau.pk}
    with pytest.raises(InvalidInput):
        acts.merge(demand=first, actor=actor(world.authority), into=merged)
    with pytest.raises(InvalidInput):
        acts.merge(demand=first, actor=actor(world.authority), into=first)


def test_what_exists_is_rejected_with_its_dataset(world: World) -> None:
    demand = ask(world)
    words = {"demand": demand, "actor": actor(world.authority), "reason": "existing", "answer": "见目录"}
    with pytest.raises(InvalidInput):
        acts.reject(**words)
    dataset = make_dataset(world.province_bureau, "婚姻登记")
    rejected = acts.reject(**words, dataset=dataset)
    assert (rejected.state, rejected.dataset) == ("rejected", dataset)
    back = acts.object_to(demand=rejected, actor=actor(world.applicant), reason="不是同一数据")
    assert (back.state, back.dataset) == ("submitted", None)


def test_a_passed_deadline_is_told_once_however_long_the_worker_slept(world: World) -> None:
    demand = assigned(world)
    Demand.objects.filter(pk=demand.pk).update(due_at=timezone.now() - dt.timedelta(days=3))
    assert (keeping.remind_late(), keeping.remind_late()) == (1, 0)
    assert told(world.provider2) == ["demand_to_answer", "demand_late"]
    page = client_of(world.authority).get(reverse("sharing:demand-list"), {"late": "1"})
    assert [row.pk for row in page.context["demands"]] == [demand.pk]
    assert page.context["figures"].late == 1


def test_the_authority_reminds_at_most_once_a_day(world: World) -> None:
    demand = assigned(world)
    acts.remind(demand=demand, actor=actor(world.authority))
    with pytest.raises(WrongState):
        acts.remind(demand=demand, actor=actor(world.authority))
    assert told(world.provider2) == ["demand_to_answer", "demand_late"]


def test_without_an_objection_a_linked_demand_is_fulfilled(world: World) -> None:
    demand = linked(world)
    assert keeping.fulfil_unopposed() == 0
    Demand.objects.filter(pk=demand.pk).update(due_at=timezone.now() - dt.timedelta(hours=1))
    assert (keeping.fulfil_unopposed(), keeping.fulfil_unopposed()) == (1, 0)
    demand.refresh_from_db()
    assert demand.state == "fulfilled"


def test_figures_count_open_late_time_and_share(world: World) -> None:
    linked(world)
    declined = answers.decline(demand=assigned(world), actor=actor(world.provider2), reason="other", answer="无")
    Demand.objects.filter(pk=declined.pk).update(created_at=timezone.now() - dt.timedelta(days=14))
    Demand.objects.filter(pk=ask(world).pk).update(due_at=timezone.now() - dt.timedelta(days=1))
    found = queries.figures(Demand.objects.all())
    assert (found.open, found.late, found.fulfilled) == (1, 1, 50)
    assert found.median_days is not None and found.median_days > 0


def test_the_list_filters_sorts_and_exports_what_it_shows(world: World) -> None:
    first = assigned(world)
    other = Wanted(title="机动车登记", purpose="核查")
    second = acts.create(actor=actor(world.provider), department=world.province_bureau, wanted=other)
    client = client_of(world.applicant)

    def found(**params: str) -> list[Any]:
        return [row.pk for row in client.get(reverse("sharing:demand-list"), params).context["demands"]]

    assert found() == [second.pk, first.pk]
    assert found(sort="created") == [first.pk, second.pk]
    assert found(side="mine") == [first.pk]
    assert found(q="机动车") == [second.pk]
    assert found(state="assigned") == [first.pk]
    assert found(department="生态环境") == [first.pk]
    assert found(q="\x00'%") == []
    body = b"".join(client.get(reverse("sharing:demand-export"), {"q": "机动车"}).streaming_content).decode()  # type: ignore[attr-defined]
    assert [line.split(",")[0] for line in body.splitlines()[1:]] == [second.number]
    book = client.get(reverse("sharing:demand-export"), {"format": "xlsx"})
    assert book.content[:2] == b"PK"


def test_the_list_takes_as_many_queries_for_twenty_as_for_one(world: World) -> None:
    ask(world)
    client = client_of(world.applicant)
    path = reverse("sharing:demand-list")
    queries_of(client, path)  # what is read once a process
    few = queries_of(client, path)
    for _n in range(19):
        acts.join(demand=ask(world), actor=actor(world.provider), department=world.province_bureau, need="全省")
    assert queries_of(client, path) == few <= 20


def test_a_page_act_reports_a_stale_version(world: World) -> None:
    demand = ask(world)
    client = client_of(world.authority)
    path = reverse("sharing:demand-act", args=[demand.pk, "assign"])
    good = client.post(path, {"seen_version": demand.version, "holder": world.city_bureau.credit_code})
    assert good.status_code == 302
    stale = client.post(path, {"seen_version": demand.version, "holder": world.province_bureau.credit_code})
    assert stale.status_code == 409
    assert client.get(reverse("sharing:demand-act", args=[demand.pk, "explode"])).status_code == 404


def test_the_form_says_what_exists_already(world: World) -> None:
    dataset = make_dataset(world.city_bureau, "婚姻登记信息")
    hidden = make_dataset(world.city_bureau, "婚姻登记草稿", state="draft")
    page = client_of(world.applicant).get(reverse("sharing:demand-similar"), {"title": "婚姻登记"}).content.decode()
    assert dataset.title in page
    assert hidden.title not in page
    public = Client().get(reverse("sharing:open-demand-similar"), {"title": "婚姻登记"}).content.decode()
    assert dataset.title not in public


def test_a_search_without_a_hit_offers_to_ask(world: World) -> None:
    page = client_of(world.applicant).get(reverse("catalog:dataset-list"), {"q": "极光观测"}).content.decode()
    assert f"{reverse('sharing:demand-create')}?q=%E6%9E%81%E5%85%89%E8%A7%82%E6%B5%8B" in page
    public = Client().get(reverse("open:dataset-list"), {"q": "极光观测"}).content.decode()
    assert f"{reverse('sharing:open-demand-create')}?q=%E6%9E%81%E5%85%89%E8%A7%82%E6%B5%8B" in public


def test_an_administrator_without_duties_reads_no_demand(world: World) -> None:
    ask(world)
    assert Demand.objects.readable_by(Actor.of(make_user("auditor", admin_role="audit")).standing).count() == 0


def test_a_demand_without_a_holder_cannot_be_promised_in_the_database(world: World) -> None:
    demand = ask(world)
    demand.state = DemandState.ACCEPTED
    with pytest.raises(ValidationError):
        demand.full_clean()


def test_a_region_without_an_authority_is_told_so(world: World) -> None:
    from portal.departments.models import Department

    bureau = make_department("西湖区教育局", world.regions["county"])
    clerk = make_user("clerk", bureau, "clerk")
    Department.objects.filter(kind="data_authority").update(is_active=False)
    with pytest.raises(WrongState):
        acts.create(actor=actor(clerk), department=bureau, wanted=WANTED)
