"""Several names in one sentence, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import pgettext


def listed(names: Iterable[object]) -> str:
    """The names one after the other: ``a, b`` in English, ``a、b`` in Chinese."""
    return pgettext("between names", ", ").join(map(str, names))
