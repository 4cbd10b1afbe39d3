"""Routes: stages and facts in, planned steps out."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sharing.routes import ItemFacts, RequestFacts, RouteError, Stage, parse_stages, resolve

STAGES = [
    {"key": "own", "title": "本部门", "who": "applicant", "duty": "own_approver", "working_days": 2},
    {"key": "check", "title": "审查", "who": "authority_of_applicant", "duty": "authority_reviewer", "working_days": 2},
    {
        "key": "provider",
        "title": "提供方",
        "who": "provider",
        "duty": "provider_approver",
        "working_days": 10,
        "any_of": [[{"field": "sharing_type", "operator": "eq", "value": "conditional"}]],
    },
    {
        "key": "security",
        "title": "安全",
        "who": "provider",
        "duty": "security_officer",
        "working_days": 3,
        "any_of": [
            [{"field": "grade", "operator": "ge", "value": 3}],
            [{"field": "personal_data", "operator": "eq", "value": "sensitive"}],
        ],
    },
]
APPLICANT, AUTHORITY = uuid4(), uuid4()
PROVIDERS = [uuid4(), uuid4(), uuid4()]


def item(
    provider: UUID = PROVIDERS[0], sharing: str = "conditional", grade: int = 2, personal: str = "none"
) -> ItemFacts:
    return ItemFacts(uuid4(), provider, AUTHORITY, 2, "330000", sharing, grade, personal)


def facts(*items: ItemFacts, authority: UUID | None = AUTHORITY) -> RequestFacts:
    return RequestFacts(APPLICANT, authority, 4, "330106", "service", False, items)


def stages() -> tuple[Stage, ...]:
    return parse_stages(STAGES)


def test_unconditional_sharing_needs_no_provider() -> None:
    planned = resolve(stages(), facts(item(sharing="unconditional")))
    assert [(p.stage.key, p.department) for p in planned] == [("own", APPLICANT), ("check", AUTHORITY)]


def test_each_provider_has_a_lane_and_security_covers_only_what_needs_it() -> None:
    plain, graded = item(PROVIDERS[0]), item(PROVIDERS[0], grade=3)
    sensitive = item(PROVIDERS[1], sharing="unconditional", personal="sensitive")
    planned = resolve(stages(), facts(plain, graded, sensitive))
    assert [(p.stage.key, p.lane, p.item_ids) for p in planned[2:]] == [
        ("provider", PROVIDERS[0], (plain.id, graded.id)),
        ("security", PROVIDERS[0], (graded.id,)),
        ("security", PROVIDERS[1], (sensitive.id,)),
    ]


def test_a_region_without_authority_is_named() -> None:
    with pytest.raises(RouteError):
        resolve(stages(), facts(item(), authority=None))


@pytest.mark.parametrize(
    "change",
    [
        {"who": "nobody"},
        {"working_days": 0},
        {"any_of": [[{"field": "colour", "operator": "eq", "value": 1}]]},
        {"any_of": [[{"field": "grade", "operator": "like", "value": 1}]]},
    ],
)
def test_a_wrong_definition_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(RouteError):
        parse_stages([{**STAGES[0], **change}])


def test_a_stage_twice_and_a_common_stage_after_a_lane_are_refused() -> None:
    for wrong in ([STAGES[0], STAGES[0]], [STAGES[2], STAGES[0]]):
        with pytest.raises(RouteError):
            parse_stages(wrong)


items = st.builds(
    item,
    provider=st.sampled_from(PROVIDERS),
    sharing=st.sampled_from(["unconditional", "conditional"]),
    grade=st.integers(1, 6),
    personal=st.sampled_from(["none", "personal", "sensitive"]),
)


@given(st.lists(items, min_size=1, max_size=12))
def test_every_item_is_covered_in_its_own_lane_after_the_common_steps(found: list[ItemFacts]) -> None:
    planned = resolve(stages(), facts(*found))
    provider_of = {i.id: i.provider for i in found}
    assert {i for p in planned for i in p.item_ids} == set(provider_of)
    assert all(provider_of[i] == p.lane for p in planned if p.lane for i in p.item_ids)
    lanes = [p.lane for p in planned]
    assert lanes[:2] == [None, None]
    assert None not in lanes[2:]
    for lane in set(lanes):
        orders = [p.order for p in planned if p.lane == lane]
        assert orders == sorted(set(orders))
