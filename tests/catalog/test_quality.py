"""Quality rules: each kind exactly, scores, the gate, who sees failing rows, what changed between versions."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

import pytest
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from catalog import gate
from catalog.models import (
    CodeList,
    CodeListState,
    CodeListVersion,
    CodeValue,
    Dataset,
    DatasetState,
    Dimension,
    QualityRule,
    QualityScore,
    RuleKind,
    RuleResult,
    Severity,
    TableProfile,
)
from catalog.quality import drift, keeping, queries, running
from catalog.quality.proposals import proposals
from portal.audit.models import Event
from portal.errors import InvalidInput, NotPermitted
from portal.notices.models import Notice, NoticeKind
from tests.factories import World, actor, load, make_dataset
from tests.queries import queries_of

pytestmark = pytest.mark.django_db

ROWS = b"""id,code,name,low,high,begun,ended
r1,01,a,1,5,2024-01-01,2024-02-01
r2,02,b,2,1,2024-01-02,
r3,03,,3,3,2024-01-03,2024-01-01
r4,03,c,,9,2024-01-04,2024-03-01
r5,5x,=1+1,40,50,2024-01-05,2024-03-01
"""


@pytest.fixture
def dataset(world: World) -> Dataset:
    return load(make_dataset(world.city_bureau, "质量", items=[], state=DatasetState.DRAFT), ROWS)


def rule(world: World, dataset: Dataset, kind: RuleKind, params: dict[str, Any], **more: Any) -> QualityRule:
    return keeping.add(dataset=dataset, actor=actor(world.cataloguer), kind=kind, params=params, **more)


def results(dataset: Dataset, now: dt.datetime | None = None) -> dict[Any, RuleResult]:
    version = keeping.current_version(dataset)
    assert version is not None
    running.run(version, now)
    return {result.rule_id: result for result in RuleResult.objects.filter(version=version)}


def check(dataset: Dataset) -> None:
    """What the queued job does."""
    version = keeping.current_version(dataset)
    assert version is not None
    running.check(version.pk)


def cells(*parts: dict[str, str], joined: str = "and") -> dict[str, Any]:
    return {"joined": joined, "parts": list(parts)}


EACH: list[tuple[RuleKind, dict[str, Any], int, list[int]]] = [
    (RuleKind.NOT_NULL, {"columns": ["name"]}, 5, [3]),
    (RuleKind.NOT_NULL, {"columns": ["name", "ended"]}, 5, [2, 3]),
    (RuleKind.UNIQUE, {"columns": ["code"]}, 5, [3, 4]),
    (RuleKind.UNIQUE, {"columns": ["code", "name"]}, 4, []),
    (RuleKind.RANGE, {"column": "low", "low": "2", "high": "3"}, 4, [1, 5]),
    (RuleKind.RANGE, {"column": "begun", "low": "", "high": "2024-01-03"}, 5, [4, 5]),
    (RuleKind.PATTERN, {"column": "code", "pattern": "[0-9]{2}"}, 5, [5]),
    (RuleKind.ROW, cells({"column": "low", "op": "le", "other": "high"}), 4, [2]),
    (RuleKind.ROW, cells({"column": "begun", "op": "le", "other": "ended"}), 4, [3]),
    (
        RuleKind.ROW,
        cells({"column": "name", "op": "eq", "value": "a"}, {"column": "high", "op": "gt", "value": "8"}, joined="or"),
        4,  # the third row has no name, and 3 is not above 8: the rule says nothing of it
        [2],
    ),
]


@pytest.mark.parametrize(("kind", "params", "checked", "failing"), EACH)
def test_each_kind_counts_and_names_exactly_the_rows_that_fail(
    world: World, dataset: Dataset, kind: RuleKind, params: dict[str, Any], checked: int, failing: list[int]
) -> None:
    made = rule(world, dataset, kind, params)
    result = results(dataset)[made.pk]
    assert (result.checked, result.failed, result.sample) == (checked, len(failing), failing)
    assert result.is_passed is (not failing)
    assert (made.dimension, result.error) == (keeping.USUAL_DIMENSION[kind], "")


def test_a_code_list_rule_follows_the_version_in_force(world: World, dataset: Dataset) -> None:
    codes = CodeList.objects.create(code="T1", name="测试代码")
    version = CodeListVersion.objects.create(code_list=codes, number=1, state=CodeListState.DRAFT)
    CodeValue.objects.bulk_create(CodeValue(version=version, code=code, name=code) for code in ("01", "02"))
    made = rule(world, dataset, RuleKind.CODE_LIST, {"column": "code", "code_list": str(codes.pk)})
    assert (results(dataset)[made.pk].is_passed, results(dataset)[made.pk].error != "") == (False, True)
    CodeListVersion.objects.update(state=CodeListState.IN_FORCE)
    result = results(dataset)[made.pk]
    assert (result.checked, result.failed, result.sample, result.error) == (5, 3, [3, 4, 5], "")


def test_a_foreign_key_reads_only_columns_that_its_author_may_read(world: World, dataset: Dataset) -> None:
    own = load(make_dataset(world.city_bureau, "代码表", items=[], state=DatasetState.DRAFT), b"k,v\n01,x\n03,y\n")
    params = {"column": "code", "dataset": str(own.pk), "other_column": "k"}
    made = rule(world, dataset, RuleKind.FOREIGN_KEY, params)
    result = results(dataset)[made.pk]
    assert (result.checked, result.failed, result.sample) == (5, 2, [2, 5])
    foreign = load(make_dataset(world.province_bureau, "别家"), b"code,name\n01,x\n03,y\n")
    with pytest.raises(InvalidInput) as refused:
        rule(world, dataset, RuleKind.FOREIGN_KEY, params | {"dataset": str(foreign.pk), "other_column": "code"})
    assert list(refused.value.fields) == ["other_column"]
    hidden = load(make_dataset(world.province_bureau, "草稿", state=DatasetState.DRAFT), b"code,name\n01,x\n")
    with pytest.raises(InvalidInput) as refused:
        rule(world, dataset, RuleKind.FOREIGN_KEY, params | {"dataset": str(hidden.pk), "other_column": "code"})
    assert list(refused.value.fields) == ["dataset"]


def test_freshness_falls_with_age(world: World, dataset: Dataset) -> None:
    made = rule(world, dataset, RuleKind.FRESHNESS, {"days": 10})
    version = keeping.current_version(dataset)
    assert version is not None
    shares = []
    for days in (9, 20):
        result = results(dataset, version.created_at + dt.timedelta(days=days))[made.pk]
        shares.append((result.share, result.is_passed))
    assert shares == [(1.0, True), (0.5, False)]


@pytest.mark.parametrize(
    ("kind", "params", "field"),
    [
        (RuleKind.NOT_NULL, {"columns": ["nothing"]}, "columns"),
        (RuleKind.NOT_NULL, {"columns": []}, "columns"),
        (RuleKind.PATTERN, {"column": "code", "pattern": "(?=a)"}, "pattern"),
        (RuleKind.PATTERN, {"column": 'code" OR 1=1 --', "pattern": "a"}, "column"),
        (RuleKind.RANGE, {"column": "low", "low": "x", "high": ""}, "low"),
        (RuleKind.RANGE, {"column": "low", "low": "", "high": ""}, "low"),
        (RuleKind.RANGE, {"column": "low", "low": "3", "high": "2"}, "high"),
        (RuleKind.ROW, cells({"column": "low", "op": "le", "other": "begun"}), "parts"),
        (RuleKind.ROW, cells({"column": "low", "op": "; DROP", "value": "1"}), "parts"),
        (RuleKind.FRESHNESS, {"days": 0}, "days"),
        (RuleKind.CODE_LIST, {"column": "code", "code_list": "0198c000-0000-7000-8000-000000000000"}, "code_list"),
    ],
)
def test_what_makes_no_rule_is_refused_by_field(
    world: World, dataset: Dataset, kind: RuleKind, params: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        rule(world, dataset, kind, params)
    assert (list(refused.value.fields), QualityRule.objects.count()) == ([field], 0)


def test_only_cataloguers_of_the_provider_set_and_retire_rules(world: World, dataset: Dataset) -> None:
    made = rule(world, dataset, RuleKind.NOT_NULL, {"columns": ["name"]})
    for person in (world.provider2, world.provider, world.authority):
        with pytest.raises(NotPermitted):
            keeping.add(dataset=dataset, actor=actor(person), kind=RuleKind.NOT_NULL, params={"columns": ["code"]})
        with pytest.raises(NotPermitted):
            keeping.retire(rule=made, actor=actor(person))
    assert list(QualityRule.objects.filter(retired_at__isnull=True)) == [made]
    keeping.retire(rule=made, actor=actor(world.cataloguer))
    keeping.retire(rule=made, actor=actor(world.cataloguer))
    verbs = Event.objects.filter(verb__startswith="quality.").order_by("pk").values_list("verb", flat=True)
    assert sorted(verbs) == ["quality.rule_retired", "quality.rule_set"]


def test_scores_are_means_of_dimensions_in_which_holding_rules_count_twice(world: World, dataset: Dataset) -> None:
    rule(world, dataset, RuleKind.NOT_NULL, {"columns": ["name"]}, severity=Severity.HOLD)
    rule(world, dataset, RuleKind.NOT_NULL, {"columns": ["name", "ended"]})
    rule(world, dataset, RuleKind.PATTERN, {"column": "code", "pattern": "[0-9]{2}"}, threshold=0.8)
    rule(world, dataset, RuleKind.RANGE, {"column": "high", "low": "0", "high": ""}, dimension=Dimension.ACCESSIBILITY)
    results(dataset)
    score = QualityScore.objects.get()
    found = {name: round(value, 6) for name, value in score.dimensions.items()}
    assert found == {"completeness": round((0.8 * 2 + 0.6) / 3, 6), "conformity": 0.8, "accessibility": 1.0}
    assert round(score.total, 6) == round(((0.8 * 2 + 0.6) / 3 + 0.8 + 1.0) / 3, 6)
    assert (score.rules, score.failed) == (4, 2)


def test_every_dimension_of_the_standard_is_measured_by_some_rule() -> None:
    rows = [(dimension.value, Severity.WARN, 0.5) for dimension in Dimension]
    assert running.scores(rows) == dict.fromkeys(Dimension.values, 0.5)
    assert running.scores([("accuracy", Severity.WARN, None)]) == {}


def test_departments_are_scored_by_their_published_datasets(world: World, dataset: Dataset) -> None:
    rule(world, dataset, RuleKind.NOT_NULL, {"columns": ["name"]})
    results(dataset)
    assert queries.scores_by_department([world.city_bureau.pk]) == {}
    Dataset.objects.filter(pk=dataset.pk).update(state=DatasetState.PUBLISHED)
    found = queries.scores_by_department([world.city_bureau.pk, world.province_bureau.pk])
    assert found == {world.city_bureau.pk: queries.DepartmentScore(0.9, 1, 1)}, "filled to 0.8, all items in the table"


def test_items_that_the_table_lacks_make_it_less_accessible(world: World, dataset: Dataset) -> None:
    described = dataset.items.count()
    dataset.items.create(name="备注", column="remark", position=99)
    assert running.accessibility(keeping.current_version(dataset)) == {"accessibility": described / (described + 1)}
    dataset.items.filter(column="remark").update(sharing_type="not_shared")
    assert running.accessibility(keeping.current_version(dataset)) == {"accessibility": 1.0}


def test_a_rule_that_holds_keeps_the_record_from_being_submitted(world: World, dataset: Dataset) -> None:
    assert "quality" not in gate.missing(dataset)
    rule(world, dataset, RuleKind.PATTERN, {"column": "code", "pattern": "9+"})
    results(dataset)
    assert "quality" not in gate.missing(dataset)
    held = rule(world, dataset, RuleKind.PATTERN, {"column": "code", "pattern": "[0-9]+"}, severity=Severity.HOLD)
    assert len(gate.missing(dataset)["quality"]) == 1  # not checked yet
    results(dataset)
    assert len(gate.missing(dataset)["quality"]) == 1
    keeping.retire(rule=held, actor=actor(world.cataloguer))
    assert "quality" not in gate.missing(dataset)


def test_better_data_lift_the_hold(world: World, dataset: Dataset) -> None:
    rule(world, dataset, RuleKind.PATTERN, {"column": "code", "pattern": "[0-9]+"}, severity=Severity.HOLD)
    check(dataset)
    assert "quality" in gate.missing(dataset)
    load(dataset, ROWS.replace(b"5x", b"05"))
    check(dataset)
    assert "quality" not in gate.missing(dataset)


def test_a_rule_whose_column_is_gone_fails_and_says_so(world: World, dataset: Dataset) -> None:
    made = rule(world, dataset, RuleKind.NOT_NULL, {"columns": ["code"]})
    QualityRule.objects.update(params={"columns": ["gone"]})
    result = results(dataset)[made.pk]
    assert (result.is_passed, result.share, "gone" in result.error) == (False, 0.0, True)


def page(person: Any, made: QualityRule, path: str = "") -> Any:
    client = Client()
    client.force_login(person)
    return client.get(f"/catalog/quality/rules/{made.pk}/rows/{path}")


def test_failing_rows_are_for_those_who_may_see_the_columns(world: World, dataset: Dataset) -> None:
    made = rule(world, dataset, RuleKind.PATTERN, {"column": "name", "pattern": "[a-z]"})
    results(dataset)
    assert (page(world.cataloguer, made).status_code, page(world.provider, made).status_code) == (200, 404)
    Dataset.objects.filter(pk=dataset.pk).update(state=DatasetState.PUBLISHED, sharing_type="unconditional")
    from catalog import search

    search.index([dataset.pk])
    dataset.items.update(sharing_type="unconditional")
    assert page(world.provider, made).status_code == 200
    dataset.items.filter(column="name").update(sensitivity="personal")
    assert (page(world.provider, made).status_code, page(world.provider, made, "export/").status_code) == (403, 403)
    assert page(world.provider2, made).status_code == 200


def test_exported_rows_are_harmless_in_a_spreadsheet_and_recorded(world: World, dataset: Dataset) -> None:
    made = rule(world, dataset, RuleKind.PATTERN, {"column": "name", "pattern": "[a-z]"})
    results(dataset)
    answer = page(world.cataloguer, made, "export/")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(text)))[1:] == [
        ["5", "'=1+1", "r5", "5x", "40", "50", "2024-01-05", "2024-03-01"]
    ]
    event = Event.objects.get(verb="data.exported")
    assert (event.data["rows"], event.data["rule"]) == (1, str(made.pk))


def test_a_load_is_profiled_and_what_broke_is_told_once(world: World, dataset: Dataset) -> None:
    check(dataset)
    assert (TableProfile.objects.get().drift, Notice.objects.count()) == ([], 0)
    dataset.items.filter(column__in=["high", "ended"]).delete()
    load(dataset, b"id,code,name,low,begun\n" + b"".join(b"r%d,01,,1,2024-01-01\n" % n for n in range(3)))
    check(dataset)
    check(dataset)
    version = keeping.current_version(dataset)
    assert version is not None
    assert version.profile.drift == [
        {"what": "removed", "column": "high"},
        {"what": "removed", "column": "ended"},
        {"what": "nulls", "column": "name", "before": 0.2, "now": 1.0},
    ]
    told = Notice.objects.filter(kind=NoticeKind.TABLE_DRIFTED).values_list("user__username", "data__n")
    assert list(told) == [("cataloguer", 3)]


def test_a_load_and_each_change_of_a_rule_queue_their_jobs(world: World, dataset: Dataset) -> None:
    version = keeping.current_version(dataset)
    assert version is not None
    keeping.retire(rule=rule(world, dataset, RuleKind.NOT_NULL, {"columns": ["name"]}), actor=actor(world.cataloguer))
    queued = ProcrastinateJob.objects.filter(args={"version_id": version.pk}).order_by("id")
    wanted = ["catalog.check_version", "catalog.run_rules", "catalog.run_rules"]
    assert [name for name in queued.values_list("task_name", flat=True) if name in wanted] == wanted


def column(name: str, kind: str = "integer", **figures: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "nulls": 0, "blank": 0, "histogram": None} | figures


def test_versions_are_compared_by_columns_types_empty_cells_rows_and_values() -> None:
    even = {"what": "value", "low": 0, "high": 10, "counts": [50, 50]}
    before = [column("a"), column("b"), column("c"), column("d", histogram=even), column("e", histogram=even)]
    now = [
        column("b", "text"),
        column("c", nulls=80, blank=20),
        column("d", histogram=even | {"counts": [100, 900]}),
        column("e", histogram=even | {"counts": [500, 500]}),
        column("f"),
    ]
    assert drift.compare(before, 100, now, 800) == [
        {"what": "removed", "column": "a"},
        {"what": "added", "column": "f"},
        {"what": "rows", "before": 100, "now": 800},
        {"what": "retyped", "column": "b", "before": "integer", "now": "text"},
        {"what": "nulls", "column": "c", "before": 0.0, "now": 0.125},
        {"what": "shift", "column": "d", "now": 0.879},
    ]
    assert drift.compare(before, 100, before, 100) == []


def test_suggested_rules_hold_for_every_row_and_are_accepted_by_a_click(world: World) -> None:
    dataset = make_dataset(world.city_bureau, "建议", items=[], state=DatasetState.DRAFT)
    rows = b"".join(f"{n:03d},{n % 2},m{n % 3}\n".encode() for n in range(120))
    load(dataset, b"code,flag,kind\n" + rows)
    check(dataset)
    version = keeping.current_version(dataset)
    assert version is not None
    found = {one.key: one.params for one in proposals(version.profile, [])}
    assert found["unique:code"] == {"columns": ["code"]}
    assert found["pattern:code"] == {"column": "code", "pattern": "[0-9]{3}"}
    assert found["pattern:kind"] == {"column": "kind", "pattern": "[a-z][0-9]"}
    client = Client()
    client.force_login(world.cataloguer)
    client.post(f"/catalog/{dataset.pk}/quality/rules/accept/", {"proposal": list(found)})
    check(dataset)
    assert QualityRule.objects.count() == len(found)
    assert set(RuleResult.objects.values_list("is_passed", flat=True)) == {True}
    assert proposals(version.profile, list(QualityRule.objects.all())) == []


FORMS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("not_null", {"columns": ["name", "code"]}, {"columns": ["name", "code"]}),
    ("range", {"column": "low", "low": "1", "high": "9"}, {"column": "low", "low": "1", "high": "9"}),
    (
        "row",
        {"joined": "and", "column_1": "low", "op_1": "le", "other_1": "high", "op_2": "eq", "op_3": "eq"},
        {"joined": "and", "parts": [{"column": "low", "op": "le", "other": "high"}]},
    ),
    ("freshness", {"days": "30"}, {"days": 30}),
]


@pytest.mark.parametrize(("kind", "fields", "params"), FORMS)
def test_a_rule_is_set_by_its_form(
    world: World, dataset: Dataset, kind: str, fields: dict[str, Any], params: dict[str, Any]
) -> None:
    client = Client()
    client.force_login(world.cataloguer)
    address = f"/catalog/{dataset.pk}/quality/rules/new/?kind={kind}"
    assert client.get(address).status_code == 200
    common = {"severity": "hold", "threshold": "95", "dimension": "accuracy"}
    assert client.post(address, {}).status_code == 422
    assert client.post(address, fields | common).status_code == 302
    made = QualityRule.objects.get()
    share = 1.0 if kind == "freshness" else 0.95
    assert (made.params, made.threshold, made.severity, made.dimension) == (params, share, "hold", "accuracy")


def test_the_tabs_take_a_bounded_number_of_queries_and_hide_personal_values(world: World, dataset: Dataset) -> None:
    check(dataset)
    client = Client()
    client.force_login(world.cataloguer)
    client.get(dataset.get_absolute_url())
    counts = []
    for _n in range(2):
        rule(world, dataset, RuleKind.PATTERN, {"column": "name", "pattern": "[a-z]"})
        check(dataset)
        counts.append([queries_of(client, f"{dataset.get_absolute_url()}?tab={tab}") for tab in ("profile", "quality")])
    assert counts[0] == counts[1]
    pages = [client.get(f"{dataset.get_absolute_url()}?tab={tab}").context["score"] for tab in ("versions", "quality")]
    assert pages[0] == pages[1]  # how complete the record is, not how good its data are
    Dataset.objects.filter(pk=dataset.pk).update(state=DatasetState.PUBLISHED, sharing_type="unconditional")
    dataset.items.update(sharing_type="unconditional")
    from catalog import search

    search.index([dataset.pk])
    client.force_login(world.provider)
    shown = client.get(f"{dataset.get_absolute_url()}?tab=profile").content.decode()
    assert "=1+1" in shown
    dataset.items.filter(column="name").update(sensitivity="personal")
    hidden = client.get(f"{dataset.get_absolute_url()}?tab=profile").content.decode()
    assert ("=1+1" in hidden, "5x" in hidden) == (False, True)
    assert "[a-z]" not in client.get(f"{dataset.get_absolute_url()}?tab=quality").content.decode()
