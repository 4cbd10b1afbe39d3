"""Resource codes (信息资源代码) and other serial numbers, given under a lock so that none is given twice.

A code is class (类, one digit), item (项, two digits), category (目, three digits, 000 where the theme is not
divided), perhaps sub-category (细目, two digits) and, after a slash, the serial number (顺序号) within that prefix.
Item, category and sub-category are the code of the record's first theme.
"""

from __future__ import annotations

import re

from django.db import connection

from catalog.models import CodeSequence

NO_THEME = "99"
"""The item (项) of records without a theme."""
CODE = re.compile(r"\d{6,12}/\d{1,12}")


def next_serials(prefix: str, count: int) -> range:
    """``count`` new serial numbers under ``prefix``; the prefix stays locked until the transaction ends."""
    table = CodeSequence._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (prefix, last) VALUES (%s, %s) "  # noqa: S608
            f"ON CONFLICT (prefix) DO UPDATE SET last = {table}.last + EXCLUDED.last RETURNING last",
            [prefix, count],
        )
        last = cursor.fetchone()[0]
    return range(last - count + 1, last + 1)


def next_serial(prefix: str) -> int:
    """The next serial number under ``prefix``."""
    return next_serials(prefix, 1)[0]


def code_prefix(resource_class: str, theme_code: str) -> str:
    """The part of a resource code before the slash."""
    return f"{resource_class}{theme_code:0>2}000" if len(theme_code) <= 2 else f"{resource_class}{theme_code}"


def format_code(prefix: str, serial: int) -> str:
    return f"{prefix}/{serial:06d}"


def keep_serial(code: str) -> None:
    """Never give the serial number of ``code``, which a record brought with it, to another."""
    prefix, _slash, serial = code.partition("/")
    table = CodeSequence._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (prefix, last) VALUES (%s, %s) "  # noqa: S608
            f"ON CONFLICT (prefix) DO UPDATE SET last = GREATEST({table}.last, EXCLUDED.last)",
            [prefix, int(serial)],
        )
