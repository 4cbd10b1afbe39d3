"""The real open records come in by the way that an authority would take, with a report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from catalog.documents import plain, snapshot
from catalog.models import Dataset
from demo import records
from portal.departments.models import Department
from tests.factories import World, make_department, make_user

pytestmark = pytest.mark.django_db

OFFICES = {office for _words, office, _theme in records.BY_WORD} | {records.DEFAULT[0]}


@pytest.fixture
def lines(world: World, settings: Any, tmp_path: Path) -> list[dict[str, Any]]:
    """The open catalogue as documents, and an authority of the nation that may bring them."""
    settings.UPLOADS_ROOT = tmp_path / "uploads"
    for office in OFFICES:
        make_department(office, world.regions["nation"])
    authority = make_department("国家数据局", world.regions["nation"], "data_authority")
    make_user("nation", authority, "authority_reviewer")
    return [
        {
            **{name: plain(value) for name, value in row.values.items()},
            "provider": row.provider.name,
            "themes": [theme.code for theme in row.themes],
            "items": row.items,
        }
        for row in records.open_records()
    ]


def write(path: Path, lines: list[dict[str, Any]]) -> Path:
    path.write_text("".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines), encoding="utf-8")
    return path


def trimmed(value: Any) -> Any:
    """Texts without the blanks around them, which an import leaves out."""
    if isinstance(value, dict):
        return {name: trimmed(one) for name, one in value.items()}
    if isinstance(value, list):
        return [trimmed(one) for one in value]
    return value.strip() if isinstance(value, str) else value


FLAWED = "Sexual Violence – UNICEF (2017)"
"""One of its fields has no name but a carriage return."""


def test_every_open_record_is_imported_as_it_is_and_the_flawed_one_reported(
    lines: list[dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(lines) == 766
    call_command("import_records", write(tmp_path / "open.jsonl", lines), user="nation", good_lines=True)
    out = capsys.readouterr().out
    assert "765 new, 0 changed, 0 same, 1 bad" in out
    assert f"{FLAWED} · JSON 269 items 6 name: " in out
    assert "765 records loaded" in out
    lines = [line for line in lines if line["title"] != FLAWED]
    by_title = {dataset.title: dataset for dataset in Dataset.objects.prefetch_related("themes", "items")}
    for line in map(trimmed, lines):
        document = snapshot(by_title[line["title"]])
        assert document["provider"] == str(Department.objects.get(name=line["provider"]).pk)
        same = {name: document[name] for name in line if name not in ("provider", "items")}
        assert same == {name: line[name] for name in same}
        assert [{name: item[name] for name in line["items"][0]} for item in document["items"]] == line["items"]


def test_a_wrong_line_is_reported_and_nothing_comes_in_until_one_says_so(
    lines: list[dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = [*lines[:3], {**lines[3], "update_cycle": "hin und wieder"}]
    path = write(tmp_path / "open.jsonl", wrong)
    with pytest.raises(CommandError):
        call_command("import_records", path, user="nation")
    assert f"{lines[3]['title']} · JSON 4 update_cycle" in capsys.readouterr().out
    assert Dataset.objects.count() == 0
    call_command("import_records", path, user="nation", dry_run=True)
    assert Dataset.objects.count() == 0
    call_command("import_records", path, user="nation", good_lines=True)
    assert Dataset.objects.count() == 3
    with pytest.raises(CommandError):
        call_command("import_records", path, user="cataloguer", good_lines=False)
