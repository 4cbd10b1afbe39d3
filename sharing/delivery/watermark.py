"""Whose copy is this? Marks of deliveries under a grant, and the search for the grant of a copy that was found."""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from catalog.tables import archives, formats, marks
from catalog.tables.schema import Column, TableRef
from catalog.tables.storage import default_storage
from catalog.tables.workbench import literal, workbench
from sharing.models import Grant

EVIDENCE = 400
"""Cells of each kind that are looked at; a few name a grant already."""
CERTAIN = 1e-6
"""A grant is named when chance would name a wrong one this seldom, counting all grants there are."""
LINE_LIMIT = 8 * 1024**2


def key_of(grant_id: UUID) -> str:
    """The grant's secret (64 hex digits), derived from the installation's."""
    secret = (settings.MASK_SECRET or settings.SECRET_KEY).encode()
    return hmac.new(secret, f"watermark {grant_id}".encode(), hashlib.sha256).hexdigest()


def marked(ref: TableRef, grant: Grant) -> TableRef:
    """The view whose exports carry the grant's marks."""
    return replace(ref, mark=key_of(grant.pk)) if settings.WATERMARK_EXPORTS else ref


def with_token(columns: tuple[Column, ...], ref: TableRef) -> tuple[Column, ...]:
    """The columns of an export: with that of the tokens at the end where its rows have one.

    Its head is in the installation's language, whoever downloads the file, so that the file is the same for all.
    """
    with translation.override(settings.LANGUAGE_CODE):
        return (*columns, marks.token_column(_("Watermark"))) if ref.has_tokens else columns


@dataclass(frozen=True)
class Trace:
    """What a copy says: cells looked at, those that the best grant explains, and the grant where that is certain.

    ``chance`` is how likely so many cells would fit one of all grants by accident.
    """

    tokens: int
    texts: int
    fitting: int
    chance: float
    grant: Grant | None


def trace(path: Path, filename: str) -> Trace:
    """Name the grant under which a copy was delivered, if any.

    Raises:
        BadFile: the file cannot be read as a table.
    """
    tokens, texts = _evidence(path, filename)
    best, most, log_chance = None, 0, 0.0
    ids = list(Grant.objects.filter(usage__isnull=False).distinct().values_list("pk", flat=True))
    for grant_id in ids if tokens or texts else []:
        key = key_of(grant_id)
        own = [token for token in tokens if marks.token_of(token[: marks.NONCE], key) == token]
        said = [plain for plain, found in texts if marks.text_mark(plain, key) == found]
        weight = len(own) * marks.PROOF * math.log(1 / 16) + sum(math.log(1 / (8 * (len(t) - 1))) for t in said)
        if weight < log_chance:
            best, most, log_chance = grant_id, len(own) + len(said), weight
    chance = min(1.0, math.exp(log_chance) * max(1, len(ids)))
    related = "dataset__provider", "department", "item__request"
    grant = Grant.objects.select_related(*related).get(pk=best) if best and chance < CERTAIN else None
    return Trace(len(tokens), len(texts), most, chance, grant)


def _evidence(path: Path, filename: str) -> tuple[list[str], list[tuple[str, marks.TextMark]]]:
    """Cells that look like tokens, and texts without their sign with where it stood; each at most EVIDENCE times."""
    tokens: dict[str, None] = {}
    texts: dict[str, marks.TextMark] = {}
    for cell in _cells(path, filename):
        bare = cell.lstrip("'")
        if marks.TOKEN.fullmatch(bare) and len(tokens) < EVIDENCE:
            tokens[bare] = None
        elif len(texts) < EVIDENCE and (found := _sign_in(bare)):
            texts[found[0]] = found[1]
    return list(tokens), list(texts.items())


def _sign_in(text: str) -> tuple[str, marks.TextMark] | None:
    places = [place for place, letter in enumerate(text) if letter in marks.SIGNS]
    if len(places) != 1:
        return None
    place = places[0]
    return text[:place] + text[place + 1 :], marks.TextMark(place, text[place])


def _cells(path: Path, filename: str) -> Iterator[str]:
    """Cells of a table in any format that might be evidence."""
    with default_storage().scratch() as scratch, workbench(scratch) as bench:
        source = formats.sniff(*archives.unpack(path, filename, scratch))
        utf8, source = formats.to_utf8_csv(source, scratch / "in.csv", None, lambda done: None)
        delimiter = source.delimiter if source.kind == "csv" else ","
        scan = (
            f"read_csv({literal(str(utf8))}, delim={literal(delimiter)}, header=true, all_varchar=true, "
            f"ignore_errors=true, null_padding=true, max_line_size={LINE_LIMIT}, buffer_size={2 * LINE_LIMIT})"
        )
        for name, *_rest in bench.rows(f"DESCRIBE SELECT * FROM {scan}"):  # noqa: S608
            column = '"' + str(name).replace('"', '""') + '"'
            token = f"regexp_full_match({column}, '''?[0-9a-f]{{{marks.NONCE + marks.PROOF}}}')"
            sign = f"regexp_matches({column}, '[{''.join(marks.SIGNS)}]')"
            for condition in (token, sign):
                sql = f"SELECT DISTINCT {column} FROM {scan} WHERE {condition} LIMIT {EVIDENCE}"  # noqa: S608
                yield from (str(row[0]) for row in bench.rows(sql))
