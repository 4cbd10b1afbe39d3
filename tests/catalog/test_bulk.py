"""One act on many records: looked at first, done one by one, each with its result."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from catalog import bulk, revisions
from catalog.models import Dataset, DatasetRevision
from tests.factories import World, actor, make_dataset

pytestmark = pytest.mark.django_db


def seen(*datasets: Dataset) -> dict[Any, int]:
    return {dataset.pk: dataset.work.revision for dataset in datasets}


def draft(world: World, title: str, **changes: Any) -> Dataset:
    return make_dataset(world.city_bureau, title, state="draft", open_condition="未评估", channels=["api"], **changes)


def test_many_drafts_are_submitted_and_what_is_incomplete_says_why(world: World) -> None:
    good, bad = draft(world, "空气"), draft(world, "水质", items=[])
    outcomes = bulk.preview(act="submit", datasets=[good, bad], actor=actor(world.cataloguer))
    assert [bool(one.error) for one in outcomes] == [False, True]
    found = bulk.run(act="submit", datasets=[good, bad], actor=actor(world.cataloguer), seen=seen(good, bad))
    assert [bool(one.error) for one in found] == [False, True]
    assert dict(Dataset.objects.values_list("title", "state")) == {"空气": "department_review", "水质": "draft"}


def test_many_reviews_are_agreed_and_ones_own_is_not(world: World) -> None:
    one, two = draft(world, "空气"), draft(world, "水质")
    bulk.run(act="submit", datasets=[one, two], actor=actor(world.cataloguer), seen=seen(one, two))
    Dataset.objects.filter(pk=two.pk).update(submitted_by=world.provider2)
    rows = bulk.chosen([one.pk, two.pk], actor(world.provider2))
    found = bulk.run(act="approve", datasets=rows, actor=actor(world.provider2), seen=seen(*rows))
    assert {o.dataset.title: bool(o.error) for o in found} == {"水质": True, "空气": False}
    assert Dataset.objects.get(title="空气").state == "authority_review"


def test_an_edit_changes_drafts_and_opens_revisions_of_published_records(world: World) -> None:
    first, second = draft(world, "空气", keywords=["甲"]), make_dataset(world.city_bureau, "水质")
    in_review = make_dataset(world.city_bureau, "待审", state="department_review")
    rows = [first, second, in_review]
    edit = bulk.Edit({"contact": "0571"}, None, ["乙"])
    outcomes = bulk.preview(act="edit", datasets=rows, actor=actor(world.cataloguer), edit=edit)
    assert [[d.field for d in one.changes] for one in outcomes] == [["keywords", "contact"]] * 2 + [[]]
    assert [bool(one.error) for one in outcomes] == [False, False, True]
    bulk.run(act="edit", datasets=rows, actor=actor(world.cataloguer), seen=seen(*rows), edit=edit)
    first.refresh_from_db()
    assert (first.contact, first.keywords) == ("0571", ["甲", "乙"])
    assert DatasetRevision.objects.get().document["contact"] == "0571"
    assert Dataset.objects.get(title="水质").contact == ""


def test_a_record_saved_after_the_preview_is_left_alone(world: World) -> None:
    dataset = draft(world, "空气")
    before = seen(dataset)
    Dataset.objects.filter(pk=dataset.pk).update(revision=5)
    rows = bulk.chosen([dataset.pk], actor(world.cataloguer))
    found = bulk.run(act="submit", datasets=rows, actor=actor(world.cataloguer), seen=before)
    assert bool(found[0].error)
    assert Dataset.objects.get().state == "draft"


def test_records_of_others_are_neither_shown_nor_changed(world: World) -> None:
    hidden = make_dataset(world.province_bureau, "他人草稿", state="draft")
    public = make_dataset(world.province_bureau, "他人目录")
    rows = bulk.chosen([hidden.pk, public.pk], actor(world.cataloguer))
    assert rows == [public]
    found = bulk.run(
        act="edit", datasets=rows, actor=actor(world.cataloguer), seen=seen(public), edit=bulk.Edit({"contact": "1"})
    )
    assert (bool(found[0].error), DatasetRevision.objects.count()) == (True, 0)


def test_the_page_previews_and_then_does_it(world: World) -> None:
    for n in range(3):
        draft(world, f"空气{n}")
    client = Client()
    client.force_login(world.cataloguer)
    chosen = {"act": "edit", "all": "mine", "state": "draft", "q": "空气"}
    page = client.post("/catalog/bulk/", {**chosen, "shown": "1", "contact": "0571"})
    assert (page.context["n_good"], Dataset.objects.filter(contact="0571").count()) == (3, 0)
    marks = re.findall(r'name="seen" value="([^"]+)"', page.content.decode())
    ids = [mark.partition(":")[0] for mark in marks]
    fields = {"act": "edit", "dataset": ids, "seen": marks, "shown": "1", "confirmed": "1", "contact": "0571"}
    result = client.post("/catalog/bulk/", fields)
    assert [one.error for one in result.context["results"]] == ["", "", ""]
    assert Dataset.objects.filter(contact="0571").count() == 3


def test_a_revision_in_review_stands_in_the_lists_with_its_state(world: World) -> None:
    dataset = make_dataset(world.city_bureau, "空气")
    revisions.begin(dataset=dataset, actor=actor(world.cataloguer))
    client = Client()
    client.force_login(world.cataloguer)
    page = client.get("/catalog/mine/?state=revised")
    assert [row.title for row in page.context["object_list"]] == ["空气"]
