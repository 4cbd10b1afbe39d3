"""How records hang together: derived from, part of, replaces, and merely related (DCAT 3, PROV-O)."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from catalog.models.dataset import Dataset


class RelationKind(models.TextChoices):
    """What a record says of another; the names are those of ``Document`` fields."""

    RELATED = "related", _("related datasets")
    DERIVED_FROM = "derived_from", _("derived from")
    PART_OF = "part_of", _("part of")
    REPLACES = "replaces", _("replaces")


ACYCLIC = (RelationKind.DERIVED_FROM, RelationKind.PART_OF, RelationKind.REPLACES)
"""Relations in which no record may come back to itself."""


class DatasetRelation(models.Model):
    """``dataset`` is derived from, part of, replaces or relates to ``target`` (prov:wasDerivedFrom, dct:isPartOf,
    dct:replaces, dct:relation)."""

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="relations")
    target = models.ForeignKey(Dataset, models.CASCADE, related_name="relations_to")
    kind = models.CharField(max_length=12, choices=RelationKind.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dataset", "kind", "target"], name="relation_once"),
            models.CheckConstraint(condition=~Q(dataset=F("target")), name="relation_to_another"),
        ]
        indexes = [
            # what is derived from a record, or part of it
            models.Index(fields=["target", "kind"], name="relation_back"),
        ]

    def __str__(self) -> str:
        return f"{self.dataset_id} {self.kind} {self.target_id}"
