"""Reads a request from the database into the facts that routes are resolved on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from catalog.models import DataItem, Sensitivity
from portal.departments.duties import holders
from portal.departments.models import Department, Duty, Region
from sharing.models import RequestItem, SharingRequest
from sharing.restrictions.queries import needs_review
from sharing.routes import ItemFacts, RequestFacts

_ORDER: list[str] = [Sensitivity.NONE, Sensitivity.PERSONAL, Sensitivity.SENSITIVE]


class Authorities:
    """The data authority of each region, with the nearest above it where a region has none; read once."""

    def __init__(self) -> None:
        rows = Department.objects.authorities().values_list("region_id", "id")
        self._by_region: dict[str, UUID] = dict(rows)

    def of(self, region: Region) -> UUID | None:
        return self._nearest(region.path_codes)

    def _nearest(self, codes: Sequence[str]) -> UUID | None:
        return next((self._by_region[code] for code in reversed(codes) if code in self._by_region), None)

    def common(self, one: Region, other: Region) -> UUID | None:
        """The authority of the nearest region that holds both."""
        return self._nearest(_shared(one, other))

    def between(self, one: Region, other: Region) -> tuple[UUID, ...]:
        """The authorities of the levels that lie between the two regions, the lowest first.

        Neither side's own authority is among them, nor those above the region that holds both.
        """
        shared = len(_shared(one, other))
        codes = [*reversed(one.path_codes[shared - 1 :]), *other.path_codes[shared:]]
        sides = {self.of(one), self.of(other)}
        found = [self._by_region[code] for code in codes if code in self._by_region]
        return tuple(dict.fromkeys(office for office in found if office not in sides))


def _shared(one: Region, other: Region) -> list[str]:
    """Codes of the regions that hold both, from the nation down."""
    pairs = zip(one.path_codes, other.path_codes, strict=False)
    return [code for code, same in ((a, a == b) for a, b in pairs) if same]


def _sensitivities(items: Iterable[RequestItem]) -> dict[UUID, dict[str, str]]:
    found: dict[UUID, dict[str, str]] = {}
    rows = DataItem.objects.filter(dataset__in=[item.dataset_id for item in items])
    for dataset, column, sensitivity in rows.values_list("dataset_id", "column", "sensitivity"):
        found.setdefault(dataset, {})[column] = sensitivity
    return found


def highest_sensitivity(known: Mapping[str, str], columns: Iterable[str]) -> str:
    """The highest sensitivity among ``columns``, given that of each column: ``none`` where nothing is known."""
    return str(max((known.get(column, Sensitivity.NONE) for column in columns), key=_ORDER.index, default="none"))


def facts_of(request: SharingRequest) -> RequestFacts:
    """The facts of ``request`` and of those of its items that have no answer yet; five queries."""
    items = request.items.select_related("dataset__provider__region").order_by("id")
    return facts_from(request, [item for item in items if not item.is_answered])


def facts_from(request: SharingRequest, items: Sequence[RequestItem]) -> RequestFacts:
    """The facts of ``request`` (its department with region) with these items; neither need be saved."""
    sensitivities = _sensitivities(items)
    authorities = Authorities()
    region = request.department.region
    return RequestFacts(
        applicant=_reviewing(request),
        applicant_authority=authorities.of(region),
        applicant_level=region.level,
        applicant_region=region.code,
        purpose=request.purpose,
        is_cross_border=request.is_cross_border,
        is_restricted=needs_review(request),
        applicant_kind=request.applicant_kind,
        items=tuple(_item_facts(item, region, authorities, sensitivities) for item in items),
    )


def _reviewing(request: SharingRequest) -> UUID:
    """Whose own review comes first: the department's; the superior's that files for it where nobody holds that duty."""
    filing = request.filed_by_department_id
    if filing is None or holders(request.department, Duty.OWN_APPROVER):
        return request.department_id
    return filing


def columns_of_rows(item: RequestItem) -> list[str]:
    """The columns that the row conditions of ``item`` name."""
    return [str(condition.get("column")) for condition in item.row_filter]


def _item_facts(
    item: RequestItem, applicant: Region, authorities: Authorities, sensitivities: dict[UUID, dict[str, str]]
) -> ItemFacts:
    dataset = item.dataset
    known = sensitivities.get(dataset.pk, {})
    asked = [*item.columns, *columns_of_rows(item)]
    return ItemFacts(
        id=item.pk,
        provider=dataset.provider_id,
        provider_authority=authorities.of(dataset.provider.region),
        provider_level=dataset.provider.region.level,
        provider_region=dataset.provider.region_id,
        sharing_type=dataset.sharing_type,
        grade=dataset.grade,
        personal_data=highest_sensitivity(known, asked),
        common_authority=authorities.common(applicant, dataset.provider.region),
        authorities_between=authorities.between(applicant, dataset.provider.region),
    )
