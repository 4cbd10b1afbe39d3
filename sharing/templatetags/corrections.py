"""What pages of datasets say of errors: that something was corrected, and where one is reported."""

from __future__ import annotations

from typing import Any

from django import template

from catalog.models import Dataset
from sharing.corrections.queries import errata_of

register = template.Library()


@register.inclusion_tag("sharing/corrections/_errata.html")
def errata(dataset: Dataset, is_public: bool = False) -> dict[str, Any]:
    """A line on the last correction of a dataset, and how many there were; nothing when there was none."""
    return {"errata": errata_of(dataset, is_public=is_public), "dataset": dataset, "is_public": is_public}
