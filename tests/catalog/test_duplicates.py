"""Nothing is collected twice: who holds the same items is said while a record is written, and settled on a board."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog import lifecycle, revisions
from catalog.documents import snapshot
from catalog.models import DataElement, Dataset, DuplicatePair, KeySketch, RecordSignature, SignatureQueue
from catalog.sources import advice, board, candidates, signatures, sketches
from portal.errors import InvalidInput, NotPermitted, WrongState
from portal.notices.models import Notice
from tests.factories import World, actor, load, make_dataset, make_department, make_region, make_user

pytestmark = pytest.mark.django_db

LICENCES = [
    {"name": "许可证编号", "column": "licence_no"},
    {"name": "统一社会信用代码", "column": "uscc"},
    {"name": "经营场所", "column": "place"},
    {"name": "主体业态", "column": "business"},
    {"name": "有效期至", "column": "valid_until", "data_type": "D"},
]
RENAMED = [
    {"name": "许可证号", "column": "xkzh"},
    {"name": "信用代码", "column": "creditcode"},
    {"name": "经营场所", "column": "jycs"},
    {"name": "业态", "column": "business"},
    {"name": "有效期止", "column": "yxqz"},
]
OTHER = [
    {"name": "站点编号", "column": "station"},
    {"name": "PM2.5浓度", "column": "pm25"},
    {"name": "风速", "column": "wind"},
]


def told(world: World, dataset: Dataset) -> list[tuple[str, int]]:
    found = advice.matches(snapshot(dataset), dataset, actor(world.cataloguer))
    titles = candidates.readable_titles([match.dataset_id for match in found])
    return [(titles[match.dataset_id].title, round(100 * match.share)) for match in found]


def test_renamed_items_are_known_by_synonym_and_column(world: World) -> None:
    make_dataset(world.province_bureau, "食品经营许可", items=LICENCES)
    make_dataset(world.province_bureau, "空气质量", items=OTHER)
    draft = make_dataset(world.city_bureau, "餐饮许可台账", items=RENAMED, state="draft")
    assert told(world, draft) == [("食品经营许可", 100)]


def test_an_item_linked_to_an_element_is_known_by_it(world: World) -> None:
    element = DataElement.objects.create(code="DE1", name="许可证编号")
    make_dataset(world.province_bureau, "食品经营许可", items=LICENCES)
    items = [{"name": "证书编码", "column": "zsbm", "element": element}, *RENAMED[1:]]
    draft = make_dataset(world.city_bureau, "台账", items=items, state="draft")
    assert told(world, draft) == [("食品经营许可", 100)]


def test_other_territories_hold_other_data(world: World) -> None:
    elsewhere = make_region("330200", "宁波市", 3, world.regions["province"])
    make_dataset(make_department("宁波市市场监督管理局", elsewhere), "食品经营许可", items=LICENCES)
    draft = make_dataset(world.city_bureau, "食品经营许可", items=LICENCES, state="draft")
    assert told(world, draft) == []


def test_records_that_the_writer_may_not_see_are_not_named(world: World) -> None:
    make_dataset(world.province_bureau, "内部台账", items=LICENCES, state="draft")
    draft = make_dataset(world.city_bureau, "食品经营许可", items=LICENCES, state="draft")
    assert told(world, draft) == []


def test_common_items_alone_are_no_repeat(world: World) -> None:
    common = [{"name": "代码", "column": "code"}, {"name": "名称", "column": "name"}, {"name": "备注", "column": "bz"}]
    for n in range(30):
        make_dataset(world.province_bureau, f"目录{n}", items=[*common, {"name": f"指标{n}", "column": f"k{n}"}])
    draft = make_dataset(world.city_bureau, "监测", items=[*common, *OTHER], state="draft")
    assert told(world, draft) == []


def test_the_form_says_it_while_it_is_written(world: World) -> None:
    make_dataset(world.province_bureau, "食品经营许可", items=LICENCES)
    draft = make_dataset(world.city_bureau, "草稿", items=[], state="draft")
    client = Client()
    client.force_login(world.cataloguer)
    fields = {"title": "餐饮许可", "items-TOTAL_FORMS": "4", "items-INITIAL_FORMS": "0"}
    for n, item in enumerate(RENAMED[:4]):
        fields |= {f"items-{n}-{name}": value for name, value in item.items()}
        fields |= {f"items-{n}-data_type": "C", f"items-{n}-sensitivity": "none"}
        fields |= {f"items-{n}-sharing_type": "conditional", f"items-{n}-open_type": "not_open"}
    page = client.post(f"/catalog/{draft.pk}/check/", fields).content.decode()
    assert "100%" in page
    assert "食品经营许可" in page


def test_the_source_of_an_element_is_named_to_who_collects_it_again(world: World) -> None:
    source = make_dataset(world.province_bureau, "人口库", items=OTHER)
    element = DataElement.objects.create(code="DE1", name="公民身份号码", source_dataset=source)
    items = [{"name": "身份证", "column": "id", "element": element}]
    draft = make_dataset(world.city_bureau, "台账", items=items, state="draft")
    said = advice.on_document(snapshot(draft), draft, actor(world.cataloguer))
    assert [one.url for one in said] == [source.get_absolute_url()]
    own = advice.on_document(snapshot(source), source, actor(world.provider))
    assert own == []


def test_signatures_follow_the_record_in_the_same_transaction(world: World) -> None:
    draft = make_dataset(world.city_bureau, "台账", items=LICENCES, state="draft")
    before = set(RecordSignature.objects.values_list("pk", flat=True))
    lifecycle.update(dataset=draft, actor=actor(world.cataloguer), values={"contact": "0571"}, seen_revision=0)
    assert set(RecordSignature.objects.values_list("pk", flat=True)) == before
    lifecycle.update(
        dataset=Dataset.objects.get(), actor=actor(world.cataloguer), values={}, items=OTHER, seen_revision=1
    )
    kept = RecordSignature.objects.filter(kind=1).values_list("signature", flat=True)
    assert set(kept) == {signatures.hashed(f"n:{signatures.canonical(item['name'])}") for item in OTHER}


def found_pair(world: World) -> DuplicatePair:
    make_dataset(world.province_bureau, "食品经营许可", items=LICENCES)
    make_dataset(world.city_bureau, "餐饮许可台账", items=RENAMED)
    board.look()
    return DuplicatePair.objects.get()


def authority_of_both(world: World) -> Any:
    office = make_department("浙江省数据局", world.regions["province"], "data_authority")
    return make_user("province_authority", office, "authority_reviewer")


def test_pairs_are_found_once_and_go_when_the_records_differ(world: World) -> None:
    pair = found_pair(world)
    assert (pair.state, round(pair.share_one), round(pair.share_two)) == ("open", 1, 1)
    assert SignatureQueue.objects.count() == 0
    assert board.look() == 0
    city = Dataset.objects.get(title="餐饮许可台账")
    revisions.begin(dataset=city, actor=actor(world.cataloguer))
    city = Dataset.objects.get(pk=city.pk)
    city.items.all().delete()
    signatures.index([city.pk])
    board.look()
    assert DuplicatePair.objects.count() == 0


def test_the_authority_settles_and_both_providers_are_told(world: World) -> None:
    pair, person = found_pair(world), authority_of_both(world)
    keeper = Dataset.objects.get(title="食品经营许可")
    board.settle(pair=pair, actor=actor(person), outcome="merged", keeper=keeper, reason="以省级为准")
    pair.refresh_from_db()
    assert (pair.state, pair.keeper, pair.settled_by) == ("merged", keeper, person)
    told_people = set(Notice.objects.filter(kind="duplicate_settled").values_list("user__username", flat=True))
    assert {"cataloguer", "provider"} <= told_people
    with pytest.raises(WrongState):
        board.settle(pair=pair, actor=actor(person), outcome="kept", reason="另有用途")
    board.reopen(pair=pair, actor=actor(person))
    assert DuplicatePair.objects.values_list("state", "keeper").get() == ("open", None)


def test_naming_the_source_names_it_for_the_elements_that_both_use(world: World) -> None:
    pair, person = found_pair(world), authority_of_both(world)
    element, own = (DataElement.objects.create(code=code, name=code) for code in ("DE1", "DE2"))
    for dataset in (pair.one, pair.two):
        dataset.items.filter(position=0).update(element=element)
    pair.one.items.filter(position=1).update(element=own)
    board.settle(pair=pair, actor=actor(person), outcome="sourced", keeper=pair.one, reason="数源")
    assert dict(DataElement.objects.values_list("code", "source_dataset")) == {"DE1": pair.one_id, "DE2": None}


def test_a_settlement_needs_a_reason_and_one_of_the_two(world: World) -> None:
    pair, person = found_pair(world), authority_of_both(world)
    other = make_dataset(world.city_bureau, "别的")
    with pytest.raises(InvalidInput) as error:
        board.settle(pair=pair, actor=actor(person), outcome="merged", keeper=other)
    assert set(error.value.fields) == {"keeper", "reason"}
    with pytest.raises(NotPermitted):
        board.settle(pair=pair, actor=actor(world.cataloguer), outcome="kept", reason="另有用途")
    with pytest.raises(NotPermitted):
        board.settle(pair=pair, actor=actor(world.authority), outcome="kept", reason="另有用途")


def test_a_settled_pair_comes_back_only_when_its_records_change_much(world: World) -> None:
    pair, person = found_pair(world), authority_of_both(world)
    board.settle(pair=pair, actor=actor(person), outcome="kept", reason="另有用途")
    signatures.queue([pair.one_id])
    board.look()
    assert DuplicatePair.objects.get().state == "kept"
    city = Dataset.objects.get(title="餐饮许可台账")
    city.items.filter(position__gte=3).delete()
    signatures.index([city.pk])
    board.look()
    assert DuplicatePair.objects.get().state == "open"


def test_two_who_settle_at_once_settle_it_once(committed: None, concurrently: Callable[..., list[Any]]) -> None:
    world = World()
    pair, person = found_pair(world), authority_of_both(world)

    def settle() -> str:
        try:
            board.settle(pair=pair, actor=actor(person), outcome="kept", reason="另有用途")
        except WrongState:
            return "late"
        return "done"

    assert sorted(concurrently(settle, settle)) == ["done", "late"]


def test_providers_see_their_own_pairs_and_others_none(world: World) -> None:
    found_pair(world)
    client = Client()
    for user, count in ((world.cataloguer, 1), (world.provider, 1), (world.applicant, 0)):
        client.force_login(user)
        assert len(client.get("/catalog/duplicates/").context["page"].object_list) == count


def test_the_pages_settle_a_pair(world: World) -> None:
    pair, person = found_pair(world), authority_of_both(world)
    client = Client()
    client.force_login(person)
    page = client.get(f"/catalog/duplicates/{pair.pk}/")
    assert sum(1 for one, two in page.context["rows"] if one and two) == 5
    late = client.post(f"/catalog/duplicates/{pair.pk}/", {"outcome": "merged"})
    assert (late.status_code, set(late.context["form"].errors)) == (422, {"keeper", "reason"})
    client.post(f"/catalog/duplicates/{pair.pk}/", {"outcome": "kept", "reason": "另有用途"})
    assert DuplicatePair.objects.get().state == "kept"
    assert client.get("/catalog/duplicates/export/?state=kept").status_code == 200


def test_a_list_page_takes_a_fixed_number_of_queries(world: World, django_assert_num_queries: Any) -> None:
    datasets = [make_dataset(world.city_bureau, f"目录{n}") for n in range(6)]
    datasets.sort(key=lambda dataset: dataset.pk)
    client = Client()
    client.force_login(world.cataloguer)

    def queries() -> int:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as captured:
            client.get("/catalog/duplicates/")
        return len(captured)

    pairs = list(itertools.pairwise(datasets))
    DuplicatePair.objects.create(one=pairs[0][0], two=pairs[0][1], score=0.9, share_one=1, share_two=1)
    queries()
    first = queries()
    for one, two in pairs[1:]:
        DuplicatePair.objects.create(one=one, two=two, score=0.9, share_one=1, share_two=1)
    assert queries() == first


def test_tables_that_share_their_keys_are_found_whatever_their_items_are_called(world: World) -> None:
    rows = b"".join(b"%06d,a\n" % n for n in range(1_000))
    key = [{"name": "甲", "column": "code", "is_key": True}, {"name": "乙", "column": "name"}]
    one = load(make_dataset(world.province_bureau, "省表", items=key), b"code,name\n" + rows)
    two = load(make_dataset(world.city_bureau, "市表", items=key), b"code,name\n" + rows[: len(rows) // 2])
    for dataset in (one, two):
        assert sketches.make(dataset.distributions.get().current_id) is not None
    first, second = KeySketch.objects.order_by("-distinct")
    assert (first.distinct, second.distinct) == (1000, 500)
    assert sketches.overlap(first, second) == pytest.approx(1.0)
    other = load(make_dataset(world.city_bureau, "另表", items=key), b"code,name\nx1,a\nx2,b\n")
    third = sketches.make(other.distributions.get().current_id)
    assert third is not None
    assert sketches.overlap(first, third) == 0


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.text("甲乙丙丁戊己庚辛壬癸", min_size=3, max_size=8), min_size=3, max_size=8, unique=True))
def test_a_copy_of_a_record_is_always_found(world: World, names: list[str]) -> None:
    items = [{"name": name, "column": f"c{n}"} for n, name in enumerate(names)]
    Dataset.objects.all().delete()
    make_dataset(world.province_bureau, "原件", items=items)
    copy = make_dataset(world.city_bureau, "另一个名字", items=list(reversed(items)), state="draft")
    assert told(world, copy) == [("原件", 100)]
