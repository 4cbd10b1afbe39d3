"""The standards that the portal brings: national code lists and common data elements; what is there already stays."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from catalog.models import CodeList, DataElement
from catalog.search.words import DATA
from catalog.standards import keeping
from portal.access import Actor

FOLDER = DATA / "standards"


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def load(actor: Actor) -> int:
    """Make the code lists and data elements that are missing; returns how many."""
    made = 0
    values: dict[str, list[dict[str, str]]] = {}
    for row in _rows("code_values.csv"):
        values.setdefault(row["list"], []).append({"code": row["code"], "name": row["name"]})
    known = set(CodeList.objects.values_list("code", flat=True))
    for row in _rows("code_lists.csv"):
        if row["code"] not in known:
            code_list = keeping.save_code_list(code_list=CodeList(), values=row, actor=actor)
            version = keeping.new_version(code_list=code_list, values=values[row["code"]], note="", actor=actor)
            keeping.publish_version(version=version, valid_from=None, actor=actor)
            made += 1
    lists = {code_list.code: code_list for code_list in CodeList.objects.all()}
    present = set(DataElement.objects.values_list("code", flat=True))
    for row in _rows("elements.csv"):
        if row["code"] not in present:
            fields: dict[str, Any] = {**row, "length": int(row["length"]) if row["length"] else None}
            fields["code_list"] = lists.get(row["code_list"])
            keeping.save_element(element=DataElement(), values=fields, actor=actor)
            made += 1
    return made
