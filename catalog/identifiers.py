"""Identifiers with check digits, as values of tables are looked at."""

from __future__ import annotations

import datetime as dt

from stdnum.cn import ric

PROVINCES = frozenset(
    str(code)
    for group in ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 83))
    for code in range(group[0], group[1] + 1)
)


def is_resident_id(text: str) -> bool:
    """Whether a text is a citizen identity number (GB 11643): province, birth date of the past, check digit.

    The county is not looked up: numbers keep the codes of divisions that were dissolved since.
    """
    number = text.upper()
    if len(number) != 18 or not number[:17].isdecimal() or not number.isascii() or number[:2] not in PROVINCES:
        return False
    try:
        born = dt.date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    return born.year >= 1880 and born <= dt.date.today() and number[17] == ric.calc_check_digit(number)
