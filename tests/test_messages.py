"""Every text that people see exists in Chinese, and no page shows a text that cannot be translated."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from gettext import GNUTranslations
from html.parser import HTMLParser
from pathlib import Path

import pytest

from portal import messages
from portal.messages import Place, Text

TEMPLATES = sorted((messages.ROOT / "templates").rglob("*.html"))
PLACEHOLDER = re.compile(r"%\(\w+\)[#0\- +]?[\d.]*[a-zA-Z]|%[sdif]")
HALF_WIDTH = re.compile(r"[\u4e00-\u9fff][,;:!?()]|[,;:!?()][\u4e00-\u9fff]|[\u4e00-\u9fff]\.(?!\w)")
SPOKEN_ATTRIBUTES = {"title", "alt", "placeholder", "aria-label", "aria-description", "label", "data-confirm"}

SILENT_TAGS = {"script", "style", "code", "pre", "kbd", "samp"}
"""What stands in them is not language."""

SAME_EVERYWHERE = {
    "API", "Atom", "Authorization", "BOM", "CSV", "DCAT", "English", "GB", "GB18030", "GeoJSON", "HTML", "ID", "JSON",
    "JSON-LD", "KB", "MariaDB", "MB", "MySQL", "OpenAPI", "Parquet", "PDF", "PostgreSQL", "Python", "RDF", "RSS",
    "SHA-256", "Shuqiao", "Turtle", "URL", "UTF-8", "XLSX", "XML", "YAML", "v", "中文", "简体中文", "数桥",
}  # fmt: skip
"""Names and abbreviations that are the same in every language, and the languages' own names."""


def test_every_text_has_a_chinese_translation() -> None:
    assert {text.key: places[0] for text, places in messages.missing().items()} == {}


def test_no_translation_is_kept_of_a_text_that_is_gone() -> None:
    texts = {(text.context, text.singular) for text in messages.extract()}
    kept = {(m.context or "", m.id if isinstance(m.id, str) else m.id[0]) for m in messages.read() if m.id}
    assert kept - texts == set()


def test_chinese_is_punctuated_in_full_width() -> None:
    words = [m.string if isinstance(m.string, str) else m.string[0] for m in messages.read() if m.id]
    assert [text for text in words if HALF_WIDTH.search(text)] == []


def test_no_translation_is_marked_as_a_guess() -> None:
    assert [message.id for message in messages.read() if message.id and message.fuzzy] == []


def test_translations_keep_the_placeholders_of_their_texts() -> None:
    different = []
    for message in messages.read():
        original = message.id[-1] if isinstance(message.id, (list, tuple)) else message.id
        translation = message.string if isinstance(message.string, str) else message.string[0]
        if original and translation and placeholders(original) != placeholders(translation):
            different.append((original, translation))
    assert different == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(messages.ROOT / "templates").as_posix())
def test_page_shows_no_text_outside_translation_tags(path: Path) -> None:
    assert bare_texts(path.read_text(encoding="utf-8")) == []


def test_bare_texts_are_found_in_content_and_in_spoken_attributes() -> None:
    page = """<p class="quiet" title="Help">Hello {{ name }}</p> {# note #} {% translate "Fine" %} CSV
    {% comment %}not shown{% endcomment %} {% blocktranslate %}Also {{ fine }}{% endblocktranslate %}
    <a {% if a > b %}href="/x"{% endif %} aria-label="{% translate "Close" %}">目录</a>"""
    assert bare_texts(page) == ["Help", "Hello", "目录"]


def test_texts_are_found_in_python_and_in_templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "portal").mkdir()
    (tmp_path / "templates").mkdir()
    (tmp_path / "portal" / "a.py").write_text(
        '_("One %(n)s")\nngettext("a day", "days", 2)\npgettext("verb", "open")\n'
    )
    (tmp_path / "templates" / "a.html").write_text(
        '<p>\n  {% translate "Two" %}\n    {{ x|default:_("Three") }}\n'
        "{% blocktranslate trimmed count n=n %}\n  {{ n }} row\n{% plural %}\n  {{ n }} rows\n{% endblocktranslate %}"
    )
    monkeypatch.setattr(messages, "ROOT", tmp_path)
    assert messages.extract() == {
        Text("One %(n)s"): [Place("portal/a.py", 1)],
        Text("a day", "days"): [Place("portal/a.py", 2)],
        Text("open", context="verb"): [Place("portal/a.py", 3)],
        Text("Two"): [Place("templates/a.html", 2)],
        Text("Three"): [Place("templates/a.html", 3)],
        Text("%(n)s row", "%(n)s rows"): [Place("templates/a.html", 4)],
    }


def test_update_keeps_translations_merges_new_ones_and_drops_dead_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "portal" / "a.py"
    source.parent.mkdir()
    monkeypatch.setattr(messages, "ROOT", tmp_path)
    monkeypatch.setattr(messages, "PO_FILE", tmp_path / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po")
    fill = tmp_path / "fill.json"

    source.write_text('_("One")\n_("Two")\n')
    fill.write_text('{"One": "一", "Two": "二"}', encoding="utf-8")
    messages.update([fill])
    source.write_text('_("One")\nngettext("a day", "%(n)s days", 2)\n')
    fill.write_text('{"a day|%(n)s days": "%(n)s天"}', encoding="utf-8")
    messages.update([fill])

    assert {message.id: message.string for message in messages.read() if message.id} == {
        "One": "一",
        ("a day", "%(n)s days"): ("%(n)s天",),
    }
    assert messages.missing() == {}


def test_compiled_messages_are_what_the_catalogue_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "ROOT", tmp_path)
    monkeypatch.setattr(messages, "PO_FILE", tmp_path / "django.po")
    (tmp_path / "portal").mkdir()
    (tmp_path / "portal" / "a.py").write_text('_("One")\npgettext("key", "One")\nngettext("a day", "%(n)s days", 2)\n')
    fill = tmp_path / "fill.json"
    fill.write_text(json.dumps({"One": "一", "key\u0004One": "壹", "a day|%(n)s days": "%(n)s天"}), encoding="utf-8")

    assert messages.run(["update", "--merge", str(fill)], lambda line: None) == 0
    with (tmp_path / "django.mo").open("rb") as file:
        compiled = GNUTranslations(file)

    assert compiled.gettext("One") == "一"
    assert compiled.pgettext("key", "One") == "壹"
    assert compiled.ngettext("a day", "%(n)s days", 1) == "%(n)s天"
    assert list(tmp_path.glob("*.mo")) == [tmp_path / "django.mo"]


def test_missing_translations_are_listed_and_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "ROOT", tmp_path)
    monkeypatch.setattr(messages, "PO_FILE", tmp_path / "django.po")
    (tmp_path / "portal").mkdir()
    (tmp_path / "portal" / "a.py").write_text('_("One")\n')
    said: list[str] = []

    assert messages.run(["missing"], said.append) == 1
    assert said == ['"One"  portal/a.py:1', "1 without translation"]


def test_messages_need_no_settings() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    command = [sys.executable, "-m", "portal.messages", "missing"]
    done = subprocess.run(command, cwd=messages.ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "0 without translation\n", "")


def placeholders(text: str) -> list[str]:
    """The placeholders of a text, in the order of the alphabet: languages put them in orders of their own."""
    return sorted(PLACEHOLDER.findall(text.replace("%%", "")))


class _Shown(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.silent += tag in SILENT_TAGS
        self.texts += [value for name, value in attributes if name in SPOKEN_ATTRIBUTES and value]

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in SILENT_TAGS

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.texts.append(data)


def bare_texts(page: str) -> list[str]:
    """Words that a template shows without a translation tag."""
    for pattern in (
        r"{#.*?#}",
        r"{%\s*comment\b.*?%}.*?{%\s*endcomment\s*%}",
        r"{%\s*blocktrans(?:late)?\b.*?%}.*?{%\s*endblocktrans(?:late)?\s*%}",
        r"{%.*?%}",
        r"{{.*?}}",
    ):
        page = re.sub(pattern, " ", page, flags=re.DOTALL)
    parser = _Shown()
    parser.feed(page)
    found = []
    for text in parser.texts:
        words = [word for word in re.findall(r"[A-Za-z\u4e00-\u9fff][\w\-]*", text) if word not in SAME_EVERYWHERE]
        found += words
    return found
