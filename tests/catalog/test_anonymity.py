"""Anonymity of open data: the measures are pycanon's, the gate refuses, the proposal passes when measured again."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pandas
import pytest
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st
from pycanon import anonymity as pycanon

from catalog import gate
from catalog.models import DataItem, Dataset, DatasetState, DisclosureReport, TableVersion
from catalog.protection import generalising, opening
from catalog.protection.anonymity import Roles, measure, report_on, roles_of
from catalog.tables.engine import Query, default_engine
from catalog.tables.schema import TableRef
from portal.audit.models import Event
from portal.errors import InvalidInput, NotPermitted
from portal.notices.models import Notice, NoticeKind
from tests.factories import World, actor, load, make_dataset

pytestmark = pytest.mark.django_db

NUMBERS = itertools.count(1)
KINDS = {"born": "D", "sex": "C", "area": "C", "pay": "N", "illness": "C"}
QUASI = ("born", "sex", "area", "pay")
Row = tuple[str, str, str, int, str]


def items(*, quasi: tuple[str, ...] = QUASI, sensitive: tuple[str, ...] = ("illness",)) -> list[dict[str, Any]]:
    roles = dict.fromkeys(quasi, "quasi") | dict.fromkeys(sensitive, "sensitive")
    return [
        {
            "column": name,
            "name": name,
            "data_type": kind,
            "open_type": "open",
            "disclosure_role": roles.get(name, "none"),
        }
        for name, kind in KINDS.items()
    ]


def people(count: int, seed: int = 1) -> list[Row]:
    chance = random.Random(seed)
    return [
        (
            f"{chance.randint(1960, 1963)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}",
            chance.choice("男女"),
            chance.choice(["330106", "330108", "330203", "310101"]),
            chance.randint(3_000, 9_000),
            chance.choice(["感冒", "骨折", "糖尿病"]),
        )
        for _n in range(count)
    ]


def csv(rows: list[Row]) -> bytes:
    return ("born,sex,area,pay,illness\n" + "\n".join(",".join(map(str, row)) for row in rows) + "\n").encode()


def made(world: World, rows: list[Row], **more: Any) -> Dataset:
    values = {"items": items(), "open_type": "open", "state": DatasetState.DRAFT} | more
    return load(make_dataset(world.city_bureau, f"就诊 {next(NUMBERS)}", **values), csv(rows))


def version_of(dataset: Dataset) -> TableVersion:
    version = opening.current_version(dataset)
    assert version is not None
    return version


def shown(ref: TableRef) -> pandas.DataFrame:
    """Every row of a view, as pycanon wants it."""
    rows = [row for batch in default_engine().batches(ref, Query()) for row in batch.to_pylist()]
    return pandas.DataFrame(rows).astype(str)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("quasi", [("sex",), ("sex", "area"), ("born", "sex", "area")])
def test_the_measures_are_those_of_pycanon(world: World, seed: int, quasi: tuple[str, ...]) -> None:
    version = version_of(made(world, people(120, seed)))
    found = measure(version.ref, Roles(quasi, ("illness",), {}))
    table, names = shown(version.ref), list(quasi)
    expected = (
        pycanon.k_anonymity(table, names),
        pycanon.l_diversity(table, names, ["illness"]),
        pytest.approx(pycanon.t_closeness(table, names, ["illness"])),
        120,
    )
    assert (found["k"], found["l"], found["t"], found["rows"]) == expected


def test_the_gate_names_what_tells_people_apart_and_opens_after_the_proposal(world: World) -> None:
    dataset = made(world, people(300))
    wrong = gate.missing(dataset)["items"]
    assert any(all(name in text for name in QUASI) for text in wrong)
    client = Client()
    client.force_login(world.cataloguer)
    url = f"/catalog/{dataset.pk}/anonymity/"
    assert client.get(url).status_code == 200
    assert client.post(url).status_code == 302
    dataset = Dataset.objects.get(pk=dataset.pk)
    assert "items" not in gate.missing(dataset)
    assert Event.objects.filter(verb="disclosure.accepted").count() == 1
    roles = roles_of(list(dataset.items.all()))
    report = report_on(version_of(dataset), roles)
    assert report.k >= 5 and (report.l or 0) >= 2
    tab = client.get(f"/catalog/{dataset.pk}/?tab=anonymity")
    assert tab.status_code == 200 and b"is-good" in tab.content


def test_a_proposal_holds_when_pycanon_measures_what_the_public_gets(world: World) -> None:
    dataset = made(world, people(400, 7))
    version = version_of(dataset)
    roles = roles_of(list(dataset.items.all()))
    proposal = generalising.propose(version.ref, roles)
    assert proposal is not None and 0 < proposal.loss < 1
    opening.accept(dataset=dataset, actor=actor(world.cataloguer), masks=proposal.masks)
    Dataset.objects.filter(pk=dataset.pk).update(state=DatasetState.PUBLISHED)
    opening.measure_version(version.pk)
    rows = Client().get(f"/api/v1/open/{dataset.pk}/rows", {"limit": "1000"}).json()["rows"]
    kept = [name for name in QUASI if proposal.masks.get(name) != "hide"]
    table = pandas.DataFrame(rows).astype(str)
    assert len(table) == 400
    assert pycanon.k_anonymity(table, kept) == proposal.k >= 5


def test_random_tables_are_made_anonymous_or_said_to_be_beyond_help(world: World) -> None:
    cells = st.tuples(st.sampled_from("男女"), st.sampled_from(["330106", "330108", "310101"]), st.integers(0, 40))

    @limits(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(cells, min_size=1, max_size=40))
    def ask(rows: list[tuple[str, str, int]]) -> None:
        table = [("1990-01-01", sex, area, pay, "感冒") for sex, area, pay in rows]
        dataset = made(world, table, items=items(quasi=("sex", "area", "pay"), sensitive=()))
        version = version_of(dataset)
        roles = roles_of(list(dataset.items.all()))
        proposal = generalising.propose(version.ref, roles)
        if proposal is None:
            assert len(rows) < 5
            return
        quasi = tuple(name for name in roles.quasi if proposal.masks.get(name) != "hide")
        masks = {name: text for name, text in proposal.masks.items() if text != "hide"}
        assert measure(version.ref, Roles(quasi, (), masks))["k"] == proposal.k >= 5

    ask()


def test_new_rows_that_are_not_anonymous_are_held_back_until_somebody_answers(world: World) -> None:
    alike: list[Row] = [("1990-01-01", "男", "330106", 5000, "感冒"), ("1990-01-01", "男", "330106", 5000, "骨折")]
    dataset = made(world, alike * 5, state=DatasetState.PUBLISHED)
    report = opening.measure_version(version_of(dataset).pk)
    assert report is not None and (report.k, report.l) == (10, 2)

    def public() -> list[Any]:
        return [list(row.values()) for row in Client().get(f"/api/v1/open/{dataset.pk}/rows").json()["rows"]]

    assert public()[0] == ["1990-01-01", "男", "330106", 5000, "感冒"]
    load(dataset, csv([*alike * 5, ("1955-05-05", "女", "310101", 1, "糖尿病")]))
    assert {tuple(row[:4]) for row in public()} == {(None,) * 4}, "nothing is shown before it is measured"
    report = opening.measure_version(version_of(dataset).pk)
    assert report is not None and report.k == 1
    assert {tuple(row[:4]) for row in public()} == {(None,) * 4}
    assert Notice.objects.filter(kind=NoticeKind.DISCLOSURE_HELD, user=world.cataloguer).count() == 1
    with pytest.raises(NotPermitted):
        opening.overrule(report=report, actor=actor(world.cataloguer), reason="x")


def test_the_security_officer_may_say_that_it_is_enough_with_a_reason(world: World) -> None:
    values = {"items": items(), "open_type": "open", "state": DatasetState.PUBLISHED}
    dataset = load(make_dataset(world.province_bureau, "就诊", **values), csv(people(20)))
    report = opening.measure_version(version_of(dataset).pk)
    assert report is not None
    client = Client()
    client.force_login(world.security)
    url = f"/catalog/disclosures/{report.pk}/overrule/"
    assert client.post(url, {"reason": ""}).status_code == 422
    with pytest.raises(InvalidInput):
        opening.overrule(report=report, actor=actor(world.security), reason=" ")
    assert client.post(url, {"reason": "数据为虚构"}).status_code == 302
    report = DisclosureReport.objects.get()
    assert (report.overruled_by, report.reason) == (world.security, "数据为虚构")
    rows = Client().get(f"/api/v1/open/{dataset.pk}/rows").json()["rows"]
    assert all(row["born"] for row in rows)


def test_items_without_roles_are_not_measured(world: World) -> None:
    dataset = made(world, people(5), items=items(quasi=(), sensitive=()))
    assert opening.measure_version(version_of(dataset).pk) is None
    assert "items" not in gate.missing(dataset)
    DataItem.objects.filter(dataset=dataset).update(disclosure_role="quasi", open_mask="hide")
    assert opening.measure_version(version_of(dataset).pk) is None
