"""What a cataloguer is told while writing: who holds these items already, and who is the source of an element."""

from __future__ import annotations

from django.utils.translation import gettext as _

from catalog.advice import Advice
from catalog.documents import Document
from catalog.models import DataElement, Dataset
from catalog.sources.candidates import THRESHOLD, Match, find, readable_titles
from catalog.sources.signatures import of_document
from portal.access import Actor
from portal.departments.models import Department

SHOWN = 3
HIGH = 0.8


def matches(
    document: Document, dataset: Dataset | None, actor: Actor, provider_region: str | None = None
) -> list[Match]:
    """Records that hold what the document says, as far as the actor may see them."""
    key = document.get("provider")
    provider = Department.objects.select_related("region").filter(pk=key).first() if key else None
    if provider is None:
        return []
    names = _element_names(document)
    found = find(
        of_document(document, names),
        region=provider.region,
        groups=actor.standing.reader_groups,
        without=dataset.pk if dataset else None,
    )
    return [match for match in found if match.score >= THRESHOLD]


def _element_names(document: Document) -> dict[str, str]:
    codes = {item.get("element") for item in document["items"]} - {"", None}
    return dict(DataElement.objects.filter(code__in=codes).values_list("code", "name")) if codes else {}


def on_document(document: Document, dataset: Dataset | None, actor: Actor) -> list[Advice]:
    """Repeats of other records' items, and elements whose source is another record."""
    found = matches(document, dataset, actor)[:SHOWN]
    titles = readable_titles([match.dataset_id for match in found])
    words = _(
        "%(share)s%% of these items are in “%(title)s” of %(provider)s. Apply for it instead of collecting it again."
    )
    advice = [
        Advice(
            "warn" if match.share >= HIGH else "info",
            words % {"share": round(100 * match.share), "title": other.title, "provider": other.provider},
            other.get_absolute_url(),
            _("Open that record"),
        )
        for match in found
        if (other := titles.get(match.dataset_id))
    ]
    return advice + _on_sources(document, dataset, actor)


def _on_sources(document: Document, dataset: Dataset | None, actor: Actor) -> list[Advice]:
    codes = {item.get("element") for item in document["items"]} - {"", None}
    if not codes:
        return []
    elements = DataElement.objects.filter(code__in=codes, source_dataset__isnull=False)
    elements = elements.exclude(source_dataset=dataset.pk if dataset else None)
    visible = Dataset.objects.readable_by(actor.standing.reader_groups)
    elements = elements.filter(source_dataset__in=visible).select_related("source_dataset__provider").order_by("code")
    words = _("The source of “%(element)s” is “%(title)s” of %(provider)s.")
    return [
        Advice(
            "info",
            words
            % {
                "element": element,
                "title": element.source_dataset.title,
                "provider": element.source_dataset.provider,
            },
            element.source_dataset.get_absolute_url(),
            _("Open that record"),
        )
        for element in elements[:SHOWN]
        if element.source_dataset
    ]
