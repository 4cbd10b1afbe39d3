"""A published record is revised while it stays public; what two write at once is merged; old versions come back."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from catalog import lifecycle, revisions
from catalog.documents import differences, merge, snapshot
from catalog.models import Dataset, DatasetRevision, DatasetSearchRow, SavedDocument
from portal.audit import checks
from portal.errors import InvalidInput, NotPermitted, WrongState
from portal.notices.models import Notice
from portal.unsaved.models import UnsavedText
from tests.factories import World, actor, make_dataset, make_user
from tests.words import zh

pytestmark = pytest.mark.django_db


def published(world: World, title: str = "空气", **changes: Any) -> Dataset:
    """A record that went through its reviews, so that it has a version."""
    changes |= {"open_condition": "尚未评估", "sharing_type": "unconditional", "channels": ["api"]}
    dataset = make_dataset(world.city_bureau, title, state="draft", **changes)
    return _agree(world, dataset)


def _agree(world: World, dataset: Dataset) -> Dataset:
    lifecycle.submit(dataset=dataset, actor=actor(world.cataloguer))
    lifecycle.approve(dataset=dataset, actor=actor(world.provider2))
    lifecycle.approve(dataset=dataset, actor=actor(world.authority))
    return Dataset.objects.get(pk=dataset.pk)


def edit(world: World, dataset: Dataset, seen: int, **values: Any) -> None:
    lifecycle.update(dataset=dataset, actor=actor(world.cataloguer), values=values, seen_revision=seen)


def test_the_published_version_stays_until_the_revision_is_agreed(world: World) -> None:
    dataset = published(world)
    revisions.begin(dataset=dataset, actor=actor(world.cataloguer))
    edit(world, dataset, 0, title="空气质量", contact="0571")
    assert Dataset.objects.values_list("title", "contact", "state", "version").get() == ("空气", "", "published", 1)
    lifecycle.submit(dataset=dataset, actor=actor(world.cataloguer))
    lifecycle.approve(dataset=dataset, actor=actor(world.provider2))
    assert DatasetSearchRow.objects.values_list("title", "state").get() == ("空气", "published")
    lifecycle.approve(dataset=dataset, actor=actor(world.authority))
    assert Dataset.objects.values_list("title", "contact", "state", "version").get() == (
        "空气质量",
        "0571",
        "published",
        2,
    )
    assert DatasetSearchRow.objects.get().title == "空气质量"
    assert DatasetRevision.objects.values_list("state", flat=True).get() == "published"
    assert [version.metadata["title"] for version in dataset.versions.all()] == ["空气质量", "空气"]
    assert Notice.objects.filter(user=world.cataloguer, kind="dataset_published").count() == 2
    assert [finding for _name, found in checks.run() for finding in found] == []


def test_a_revision_changes_items_themes_and_relations_when_it_is_agreed(world: World) -> None:
    dataset, other = published(world), make_dataset(world.city_bureau, "站点")
    revisions.begin(dataset=dataset, actor=actor(world.cataloguer))
    items = [{"name": "名称", "column": "name"}, {"name": "浓度", "column": "pm25", "data_type": "N", "unit": "μg/m³"}]
    lifecycle.update(
        dataset=dataset,
        actor=actor(world.cataloguer),
        values={"related": [other.code]},
        items=items,
        seen_revision=0,
    )
    assert list(dataset.items.values_list("column", flat=True)) == ["code", "name"]
    _agree(world, dataset)
    assert list(dataset.items.values_list("column", "unit")) == [("name", ""), ("pm25", "μg/m³")]
    assert [row.target for row in dataset.relations.all()] == [other]


def test_a_revision_is_reviewed_like_a_record_and_by_other_people(world: World) -> None:
    dataset = published(world)
    revisions.begin(dataset=dataset, actor=actor(world.cataloguer))
    lifecycle.submit(dataset=dataset, actor=actor(world.cataloguer))
    with pytest.raises(NotPermitted):
        lifecycle.approve(dataset=dataset, actor=actor(world.cataloguer))
    with pytest.raises(WrongState):
        edit(world, dataset, 0, contact="0571")
    lifecycle.return_for_changes(dataset=dataset, actor=actor(world.provider2), reason="请补充联系方式")
    assert DatasetRevision.objects.values_list("state", "state_note").get() == ("draft", "请补充联系方式")
    assert Dataset.objects.values_list("state", "state_note").get() == ("published", "")


def test_a_revision_waits_in_the_queues_of_its_reviewers(world: World) -> None:
    dataset = published(world)
    revisions.begin(dataset=dataset, actor=actor(world.cataloguer))
    lifecycle.submit(dataset=dataset, actor=actor(world.cataloguer))
    queue = {}
    for user in (world.provider2, world.authority):
        client = Client()
        client.force_login(user)
        queue[user] = [row.title for row in client.get("/catalog/review/").context["object_list"]]
    assert queue == {world.provider2: ["空气"], world.authority: []}


def test_an_incomplete_revision_is_not_submitted(world: World) -> None:
    dataset = published(world)
    revisions.begin(dataset=dataset, actor=actor(world.cataloguer))
    edit(world, dataset, 0, sharing_type="conditional", sharing_condition="", sharing_basis="")
    with pytest.raises(InvalidInput) as error:
        lifecycle.submit(dataset=dataset, actor=actor(world.cataloguer))
    assert set(error.value.fields) == {"sharing_condition", "sharing_basis"}


def test_a_record_has_one_open_revision_and_a_draft_needs_none(world: World) -> None:
    dataset = published(world)
    revisions.begin(dataset=dataset, actor=actor(world.cataloguer))
    with pytest.raises(WrongState):
        revisions.begin(dataset=dataset, actor=actor(world.cataloguer))
    with pytest.raises(WrongState):
        revisions.begin(dataset=make_dataset(world.city_bureau, "草稿", state="draft"), actor=actor(world.cataloguer))
    with pytest.raises(NotPermitted):
        revisions.begin(dataset=dataset, actor=actor(world.provider))


def test_giving_a_revision_up_leaves_the_published_version(world: World) -> None:
    dataset = published(world)
    revisions.begin(dataset=dataset, actor=actor(world.cataloguer))
    edit(world, dataset, 0, contact="0571")
    revisions.discard(dataset=dataset, actor=actor(world.cataloguer))
    assert Dataset.objects.values_list("contact", "state").get() == ("", "published")
    assert (DatasetRevision.objects.get().state, SavedDocument.objects.count()) == ("discarded", 0)
    assert [finding for _name, found in checks.run() for finding in found] == []


def test_an_old_version_is_restored_as_a_revision(world: World) -> None:
    dataset = published(world, contact="0571")
    revisions.begin(dataset=dataset, actor=actor(world.cataloguer))
    edit(world, dataset, 0, contact="0572")
    _agree(world, dataset)
    revisions.begin(dataset=dataset, actor=actor(world.cataloguer), version=1)
    assert Dataset.objects.get().contact == "0572"
    assert _agree(world, dataset).contact == "0571"
    assert Dataset.objects.get().version == 3


def test_withdrawal_ends_the_open_revision(world: World) -> None:
    dataset = published(world)
    revisions.begin(dataset=dataset, actor=actor(world.cataloguer))
    lifecycle.withdraw(dataset=dataset, actor=actor(world.provider2), reason="停止监测")
    assert DatasetRevision.objects.get().state == "discarded"
    assert [finding for _name, found in checks.run() for finding in found] == []


def test_two_who_change_different_entries_are_merged(world: World) -> None:
    dataset = published(world)
    revisions.begin(dataset=dataset, actor=actor(world.cataloguer))
    edit(world, dataset, 0, contact="0571", keywords=["空气"])
    edit(world, dataset, 0, source_system="监测平台", keywords=["监测"])
    document = DatasetRevision.objects.get().document
    assert (document["contact"], document["source_system"]) == ("0571", "监测平台")
    assert sorted(document["keywords"]) == ["监测", "空气"]


def test_two_who_change_the_same_entry_are_shown_both(world: World) -> None:
    dataset = published(world)
    revisions.begin(dataset=dataset, actor=actor(world.cataloguer))
    edit(world, dataset, 0, contact="0571")
    with pytest.raises(revisions.Clash) as clash:
        edit(world, dataset, 0, contact="0572", source_system="监测平台")
    assert [(one.field, one.before, one.after) for one in clash.value.clashes] == [("contact", "0571", "0572")]
    assert DatasetRevision.objects.get().document["source_system"] == ""


def test_items_of_two_writers_are_merged_by_column(world: World) -> None:
    base = snapshot(make_dataset(world.city_bureau, "空气"))
    mine = base | {"items": [base["items"][0] | {"unit": "个"}, base["items"][1]]}
    added = base["items"][0] | {"column": "pm25", "name": "浓度"}
    theirs = base | {"items": [base["items"][0] | {"name": "站点代码"}, added]}
    merged, clashes = merge(base, mine, theirs)
    assert clashes == []
    assert [(i["column"], i["name"], i["unit"]) for i in merged["items"]] == [
        ("code", "站点代码", "个"),
        ("pm25", "浓度", ""),
    ]


def test_an_item_that_one_removed_and_the_other_changed_clashes(world: World) -> None:
    base = snapshot(make_dataset(world.city_bureau, "空气"))
    mine = base | {"items": base["items"][:1]}
    theirs = base | {"items": [base["items"][0], base["items"][1] | {"unit": "个"}]}
    _merged, clashes = merge(base, mine, theirs)
    assert [(one.item, one.field, one.after) for one in clashes] == [("name", "items", None)]


def test_a_comparison_names_what_changed(world: World) -> None:
    dataset = published(world)
    revisions.begin(dataset=dataset, actor=actor(world.cataloguer))
    before = snapshot(dataset)
    items = [{"name": "代码", "column": "code", "is_key": True}]
    lifecycle.update(dataset=dataset, actor=actor(world.cataloguer), values={"grade": 1}, items=items, seen_revision=0)
    found = differences(before, DatasetRevision.objects.get().document)
    assert [(one.item, one.field) for one in found] == [("", "grade"), ("code", "is_key"), ("name", "items")]
    client = Client()
    client.force_login(world.cataloguer)
    page = client.get(f"/catalog/{dataset.pk}/compare/?left=1&right=work")
    assert [one.shown_after for one in page.context["fields"]] == [zh("General 1 (public)")]
    assert [column for column, _rows in page.context["items"]] == ["code", "name"]


def test_others_see_neither_the_revision_nor_older_versions(world: World) -> None:
    dataset = published(world)
    revisions.begin(dataset=dataset, actor=actor(world.cataloguer))
    edit(world, dataset, 0, title="尚未公开的标题")
    client = Client()
    client.force_login(world.applicant)
    page = client.get(f"/catalog/{dataset.pk}/").content.decode()
    assert ("尚未公开的标题" in page, "?tab=history" in page) == (False, False)
    assert client.get(f"/catalog/{dataset.pk}/?tab=history").context["tab"] is None
    assert client.get(f"/catalog/{dataset.pk}/compare/").status_code == 403


def test_what_is_typed_is_kept_checked_and_can_be_taken_up_again(world: World) -> None:
    dataset = make_dataset(world.city_bureau, "草稿", state="draft")
    client = Client()
    client.force_login(world.cataloguer)
    typed = {
        "title": "空气质量",
        "summary": "短",
        "sharing_type": "conditional",
        "items-TOTAL_FORMS": "0",
        "items-INITIAL_FORMS": "0",
    }
    answer = client.post(f"/catalog/{dataset.pk}/check/", typed).content.decode()
    assert zh("Conditional sharing needs its condition.") in answer
    assert Dataset.objects.get().title == "草稿"
    page = client.get(f"/catalog/{dataset.pk}/edit/")
    assert page.context["unsaved"].user == world.cataloguer
    restored = client.get(f"/catalog/{dataset.pk}/edit/?restore").content.decode()
    assert ('value="空气质量"' in restored, "errors" in restored) == (True, False)
    other = make_user("other", world.city_bureau, "cataloguer")
    client.force_login(other)
    assert client.get(f"/catalog/{dataset.pk}/edit/").context["unsaved"] is None


def test_a_saved_form_forgets_the_kept_text(world: World) -> None:
    dataset = make_dataset(world.city_bureau, "草稿", state="draft")
    client = Client()
    client.force_login(world.cataloguer)
    page = client.get(f"/catalog/{dataset.pk}/edit/")
    fields = {b.html_name: b.value() for b in page.context["form"] if b.value() not in (None, "", [])}
    fields |= {"items-TOTAL_FORMS": "0", "items-INITIAL_FORMS": "0", "contact": "0571"}
    client.post(f"/catalog/{dataset.pk}/check/", fields)
    assert UnsavedText.objects.count() == 1
    assert client.post(f"/catalog/{dataset.pk}/edit/", fields).status_code == 302
    assert (Dataset.objects.get().contact, UnsavedText.objects.count()) == ("0571", 0)
