"""How well the search finds: judged queries over real records, against what PostgreSQL offers by itself.

A query is judged by a pattern over titles: records whose title it meets are what the person wants (3 where it is meant
exactly, else 2). Kinds: known titles, parts of titles, synonyms, pinyin, initials, names of data items, typing errors.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from bench.__main__ import Row, timed
from bench.catalogue import scratch_database
from catalog.importing import import_published
from catalog.models import Dataset
from catalog.search import SearchQuery, search
from catalog.search.words import bigrams, normal, runs_of
from demo import places, records
from portal.access import CIVIL_SERVANTS, EVERYONE, Actor

TOP = 10
Found = Callable[[str], list[UUID]]

WANTED: tuple[tuple[str, str, str], ...] = (
    # kind, what is typed, what titles it should find (a pattern)
    ("synonym", "CO2", r"CO2|carbon dioxide"),
    ("synonym", "二氧化碳", r"CO2|carbon dioxide"),
    ("synonym", "greenhouse gas", r"greenhouse|GHG"),
    ("synonym", "人口", r"population|人口"),
    ("synonym", "预期寿命", r"life expectancy"),
    ("synonym", "地震", r"earthquake"),
    ("synonym", "能源", r"energy"),
    ("synonym", "电力", r"electric"),
    ("synonym", "教育", r"education|school"),
    ("synonym", "贫困", r"poverty"),
    ("synonym", "贸易", r"trade"),
    ("synonym", "疫苗", r"vaccin"),
    ("synonym", "温度", r"temperature"),
    ("synonym", "艾滋病", r"HIV|AIDS"),
    ("synonym", "死亡率", r"mortality"),
    ("synonym", "国内生产总值", r"GDP|gross domestic product"),
    ("synonym", "浙江省乡镇", r"^浙江省.*街道"),
    ("synonym", "四川省 乡镇", r"^四川省.*街道"),
    ("synonym", "广东省村委会", r"^广东省.*(社区|居委会|村委会|居民)"),
    ("part", "life expectancy", r"life expectancy"),
    ("part", "child mortality", r"child mortality"),
    ("part", "air pollution deaths", r"(?=.*air pollution)(?=.*death)"),
    ("part", "renewable energy", r"(?=.*renewable)(?=.*energy)"),
    ("part", "military expenditure", r"(?=.*military)(?=.*expend)"),
    ("part", "gender wage gap", r"(?=.*gender)(?=.*(wage|pay))"),
    ("part", "years of schooling", r"years of (schooling|education)"),
    ("part", "nuclear weapons", r"nuclear (weapon|warhead)"),
    ("part", "suicide", r"suicide"),
    ("part", "homicide rate", r"homicide"),
    ("part", "malaria deaths", r"malaria"),
    ("part", "food prices", r"(?=.*food)(?=.*price)"),
    ("part", "cereal yields", r"cereal"),
    ("part", "internet users", r"internet"),
    ("part", "forest area", r"forest"),
    ("part", "fertility", r"fertility"),
    ("part", "income inequality", r"inequality"),
    ("part", "tax revenue", r"\btax"),
    ("part", "happiness", r"happiness|life satisfaction"),
    ("part", "smoking", r"smok|tobacco"),
    ("part", "alcohol consumption", r"alcohol"),
)
PINYIN = (("zhejiang", "浙江"), ("sichuan", "四川"), ("guangdong", "广东"), ("hunan", "湖南"), ("shandong", "山东"))
INITIALS = (("zjs", "浙江省"), ("scs", "四川省"), ("gds", "广东省"), ("fjs", "福建省"), ("yns", "云南省"))


@dataclass(frozen=True)
class Judged:
    """A query, and how much each wanted record is wanted (1 to 3)."""

    kind: str
    text: str
    grades: dict[UUID, int]


def run() -> list[Row]:
    """Prints nDCG@10 and recall@10 of ours and of three ways of PostgreSQL itself; the time of one search."""
    with scratch_database():
        _load()
        titles = dict(Dataset.objects.filter(state="published").values_list("pk", "title"))
        judged = list(_judged(titles))
        ways = {"ours": ours, **_peers()}
        print(f"{len(judged)} queries over {len(titles)} real records: nDCG@10 / recall@10")
        kinds = sorted({one.kind for one in judged})
        for name, way in ways.items():
            scores = [(one.kind, _scores(one, way(one.text))) for one in judged]
            parts = [(kind, [score for of, score in scores if of == kind]) for kind in kinds]
            every = _mean([score for _kind, score in scores])
            each = "  ".join(f"{kind} {_mean(found)[0]:.2f}" for kind, found in parts)
            print(f"  {name:<10} {every[0]:.3f} / {every[1]:.3f}   {each}")
        texts = [one.text for one in judged]
        place = iter(texts * 100)
        median, p95 = timed(lambda: ours(next(place)), len(texts))
        simple = iter(texts * 100)
        peer, _p95 = timed(lambda: ways["simple"](next(simple)), len(texts))
        return [Row("a judged query", f"{len(titles)} records", median, p95, "simple, ids only", peer, len(texts))]


def _load() -> None:
    places.load_regions()
    places.load_departments()
    for source in (records.division_records(), records.open_records()):
        for _done in import_published(source, actor=Actor.system()):
            pass


def ours(text: str) -> list[UUID]:
    """The first page of the catalogue's own search."""
    found = search(SearchQuery(text=text), [EVERYONE, CIVIL_SERVANTS], facets=False)
    return [dataset.pk for dataset in found.datasets]


def _peers() -> dict[str, Found]:
    """PostgreSQL's ``simple`` configuration, trigrams, and an index of bigrams, over the same texts."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE peer (id uuid, body text, simple tsvector, pairs tsvector)")
        for dataset in Dataset.objects.filter(state="published").prefetch_related("items"):
            items = " ".join(item.name for item in dataset.items.all())
            body = normal(f"{dataset.title} {' '.join(dataset.keywords)} {items} {dataset.summary}")
            values = [dataset.pk, body, body, " ".join(_pairs(body))]
            insert = "INSERT INTO peer VALUES (%s, %s, to_tsvector('simple', %s), to_tsvector('simple', %s))"
            cursor.execute(insert, values)

    def vector(column: str, cut: Callable[[str], str]) -> Found:
        sql = (
            f"SELECT id FROM peer, plainto_tsquery('simple', %s) q WHERE {column} @@ q "
            f"ORDER BY ts_rank({column}, q) DESC LIMIT 10"
        )
        return lambda text: _ids(sql, [cut(normal(text))])

    alike = "word_similarity(%s, body)"
    trigrams = f"SELECT id FROM peer WHERE {alike} > 0.3 ORDER BY {alike} DESC LIMIT 10"
    return {
        "simple": vector("simple", str),
        "trigrams": lambda text: _ids(trigrams, [normal(text)] * 2),
        "bigrams": vector("pairs", lambda text: " ".join(_pairs(text))),
    }


def _pairs(text: str) -> list[str]:
    return [pair for run, is_chinese in runs_of(text) for pair in (bigrams(run) if is_chinese else [run])]


def _ids(sql: str, values: list[str]) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [row[0] for row in cursor.fetchall()]


def _judged(titles: dict[UUID, str]) -> Iterator[Judged]:
    chance = random.Random(11)
    for kind, text, pattern in WANTED:
        found = {pk: 2 for pk, title in titles.items() if re.search(pattern, title, re.IGNORECASE)}
        if found:
            yield Judged(kind, text, found)
    for kind, pairs in (("pinyin", PINYIN), ("initials", INITIALS)):
        for text, begins in pairs:
            yield Judged(kind, text, {pk: 2 for pk, title in titles.items() if title.startswith(begins)})
    chinese = sorted(pk for pk, title in titles.items() if re.match(r"^[\u4e00-\u9fff]", title))
    english = sorted(set(titles) - set(chinese))
    for pk in [*chance.sample(chinese, 30), *chance.sample(english, 40)]:
        yield Judged("title", titles[pk], {pk: 3})
    for pk in chance.sample(english, 40):
        words = [word for word in re.findall(r"[A-Za-z]{4,}", titles[pk].split(" - ")[0]) if word]
        if len(words) > 1:
            yield Judged("words", " ".join(chance.sample(words, 2)).lower(), _having(titles, words, 2) | {pk: 3})
    for pk in chance.sample(english, 30):
        words = [word for word in re.findall(r"[A-Za-z]{6,}", titles[pk].split(" - ")[0]) if word]
        if words:
            typed = " ".join(_mistyped(word, chance) for word in words[:2]).lower()
            yield Judged("typo", typed, _having(titles, words[:2], 2) | {pk: 3})
    for record in chance.sample(list(records.catalogue()), 30):
        field = record["fields"][-1]["name"]
        found = {pk: 3 for pk, title in titles.items() if title.startswith(record["title"][:150])}
        if found:
            yield Judged("item", field[:120], found)


def _having(titles: dict[UUID, str], words: list[str], grade: int) -> dict[UUID, int]:
    """The records whose titles hold all the words."""
    return {pk: grade for pk, title in titles.items() if all(word.lower() in title.lower() for word in words)}


def _mistyped(word: str, chance: random.Random) -> str:
    """The word with two letters changed over, or one left out."""
    place = chance.randrange(1, len(word) - 2)
    if chance.random() < 0.5:
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    return word[:place] + word[place + 1 :]


def _scores(judged: Judged, found: list[UUID]) -> tuple[float, float]:
    """nDCG@10 (gain 2^grade - 1) and recall@10 (of as many as ten can hold)."""
    gains = [2 ** judged.grades.get(pk, 0) - 1 for pk in found[:TOP]]
    best = sorted((2**grade - 1 for grade in judged.grades.values()), reverse=True)[:TOP]
    ideal = sum(gain / math.log2(place + 2) for place, gain in enumerate(best))
    got = sum(gain / math.log2(place + 2) for place, gain in enumerate(gains))
    hits = sum(gain > 0 for gain in gains)
    return got / ideal if ideal else 0.0, hits / min(TOP, len(judged.grades)) if judged.grades else 0.0


def _mean(scores: list[tuple[float, float]]) -> tuple[float, float]:
    count = len(scores) or 1
    return sum(a for a, _b in scores) / count, sum(b for _a, b in scores) / count
