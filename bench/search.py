"""Search at a million records made of real names: a page, its counts and facets, for a reader who does not see all.

BENCH_DATASETS sets another size. Titles join a real county, a subject and a kind of record; words are cut as ever.
"""

from __future__ import annotations

import os
from itertools import product
from typing import Any

from django.db import connection

from bench.__main__ import Row, compare
from bench.catalogue import columns_of, people, scratch_database, template
from catalog.models import Dataset, DatasetSearchRow
from catalog.search import SearchQuery, search
from catalog.search.asking import COUNT_LIMIT
from catalog.search.matching import matching
from catalog.search.rows import headings_of, vector_text
from demo.places import rows
from demo.scale import CYCLES, KINDS, SUBJECTS
from portal.access import CIVIL_SERVANTS, standing_of

COUNT = int(os.environ.get("BENCH_DATASETS", "1000000"))
RUNS = 40
SUMMARY = "供部门履行职责时查询、比对和统计使用。"
QUERIES = (
    ("rare: a county and a subject", ["{county}养老机构", "{county}低保对象", "{county}婚姻登记"]),
    ("medium: a county", ["{county}"]),
    ("common: a subject", ["养老机构", "空气质量监测", "公共停车场"]),
    ("commonest: a word of all", ["统计", "查询", "部门"]),
    ("pinyin", ["yanglaojigou", "kongqizhiliang"]),
    ("mistyped", ["{county}养劳机构", "养劳机购月报"]),
    ("no words", [""]),
)


def run() -> list[Row]:
    """Each row: a whole search with facets and page of 20, against a bare capped count with the same condition."""
    with scratch_database():
        reader = people()
        _build()
        groups = standing_of(reader).reader_groups
        counties = [row["name"] for row in rows("areas.csv")]
        found = []
        for what, texts in QUERIES:
            place = iter(range(1_000_000))

            def text(texts: list[str] = texts, place: Any = place) -> str:
                n = next(place)
                return texts[n % len(texts)].format(county=counties[n * 37 % len(counties)])

            def whole(text: Any = text) -> None:
                search(SearchQuery(text=text()), groups)

            def bare(text: Any = text) -> None:
                matching(SearchQuery(text=text()), groups).order_by()[: COUNT_LIMIT + 1].count()

            found.append(compare(what, f"{COUNT:,}", whole, "capped count", bare, RUNS))
        return found


def _build() -> None:
    """COUNT records, one in ten a draft of its department, and their search rows."""
    counties = [row["name"] for row in rows("areas.csv")]
    tails = [f"{subject}{kind}" for subject, kind in product(SUBJECTS, KINDS)]
    with connection.cursor() as cursor:
        for name, texts in (("county", counties), ("tail", tails)):
            table = f"bench_{name}"
            cursor.execute(f"CREATE TEMP TABLE {table} (n int PRIMARY KEY, name text, head tsvector, body tsvector)")
            for n, text in enumerate(texts):
                heads, others = headings_of({"A": text, "C": f"{text} {SUMMARY}"})
                values = [n, text, vector_text(heads), vector_text(heads + others)]
                cursor.execute(f"INSERT INTO {table} VALUES (%s, %s, %s::tsvector, %s::tsvector)", values)
    _datasets(len(counties), len(tails))
    _rows(len(counties), len(tails))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _datasets(counties: int, tails: int) -> None:
    one = template()
    into, values = columns_of(
        Dataset,
        {
            "id": "gen_random_uuid()",
            "code": "'BENCH/' || i",
            "title": "c.name || s.name || (2000 + i / 357360) || '年'",
            "provider_id": "d.ids[1 + i %% 3000]",
            "state": "CASE WHEN i %% 10 = 0 THEN 'draft' ELSE 'published' END",
            "modified": "now() - i * interval '1 second'",
            "sharing_type": "CASE WHEN i %% 3 = 0 THEN 'unconditional' ELSE 'conditional' END",
            "update_cycle": f"(ARRAY{list(CYCLES)})[1 + i %% 5]",
            "grade": "1 + i %% 4",
        },
    )
    sql = f"""
        INSERT INTO catalog_dataset ({into}) SELECT {values} FROM catalog_dataset t,
        (SELECT array_agg(id ORDER BY credit_code) ids FROM portal_department) d, generate_series(1, %s) AS series(i)
        JOIN bench_county c ON c.n = i %% {counties} JOIN bench_tail s ON s.n = (i / 7) %% {tails} WHERE t.id = %s
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [COUNT, one.pk])


def _rows(counties: int, tails: int) -> None:
    table = DatasetSearchRow._meta.db_table
    into, values = columns_of(
        DatasetSearchRow,
        {
            "dataset_id": "x.id",
            "reader_groups": f"CASE x.state WHEN 'draft' THEN '{{}}' ELSE ARRAY[{CIVIL_SERVANTS}] END || g.group_id",
            "heading": "c.head || s.head",
            "tokens": "c.body || s.body",
            "title": "x.title",
            "state": "x.state",
            "provider_id": "x.provider_id",
            "region_id": "p.region_id",
            "theme_codes": "ARRAY[lpad((1 + x.n % 22)::text, 2, '0')]",
            "sharing_type": "x.sharing_type",
            "update_cycle": "x.update_cycle",
            "grade": "x.grade",
            "modified": "x.modified",
        },
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO {table} ({into}) SELECT {values}
            FROM (SELECT *, split_part(code, '/', 2)::int AS n FROM catalog_dataset WHERE code LIKE 'BENCH/%') x
            JOIN bench_county c ON c.n = x.n % {counties} JOIN bench_tail s ON s.n = (x.n / 7) % {tails}
            JOIN portal_department p ON p.id = x.provider_id
            JOIN portal_dutygroup g ON g.department_id = p.id AND g.duty = 'cataloguer'
            CROSS JOIN (SELECT * FROM {table} LIMIT 1) t
            """
        )
