"""The texts of the portal and their translations, without the gettext programs: find, merge, check, compile.

usage: python -m portal.messages update [--merge FILE.json ...] | missing | compile

``--merge`` fills in translations from JSON: ``{"message": "translation", "singular|plural": "translation"}``.
Needs no settings and no database. ``manage.py messages`` does the same.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract as babel_extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
LOCALE = "zh_Hans"
PO_FILE = ROOT / "locale" / LOCALE / "LC_MESSAGES" / "django.po"
SOURCES = ("portal", "catalog", "sharing", "demo", "templates")

_KEYWORDS: Mapping[str, tuple[int | tuple[int, str], ...] | None] = {
    name + suffix: places
    for name, places in {
        "gettext": None,
        "ngettext": (1, 2),
        "pgettext": ((1, "c"), 2),
        "npgettext": ((1, "c"), 2, 3),
    }.items()
    for suffix in ("", "_lazy")
} | {"_": None, "gettext_noop": None}


@dataclass(frozen=True, order=True)
class Place:
    """Where a text stands."""

    file: str
    line: int


@dataclass(frozen=True)
class Text:
    """A message id: one text, or singular and plural; with a context where the same words mean two things."""

    singular: str
    plural: str = ""
    context: str = ""

    @property
    def key(self) -> str:
        """How a JSON file of translations names it."""
        words = f"{self.singular}|{self.plural}" if self.plural else self.singular
        return f"{self.context}\u0004{words}" if self.context else words


def extract() -> dict[Text, list[Place]]:
    """Every text in the sources that is meant for people, with its places."""
    found: dict[Text, list[Place]] = {}
    for path in sorted(_sources()):
        name = path.relative_to(ROOT).as_posix()
        for line, words, context in _texts_of(path):
            parts = (words,) if isinstance(words, str) else words
            text = Text(parts[0], parts[1] if len(parts) > 1 else "", context or "")
            found.setdefault(text, []).append(Place(name, line))
    return found


def read() -> Catalog:
    """The translations as they are; empty when there are none yet."""
    if not PO_FILE.exists():
        return Catalog(locale=LOCALE, domain="django", charset="utf-8")
    with PO_FILE.open("rb") as file:
        return read_po(file, locale=LOCALE, domain="django")


def update(merge: Iterable[Path] = ()) -> Catalog:
    """Write the .po file anew: every text of the sources, translations kept, dead texts dropped."""
    old, fill = read(), _translations(merge)
    new = Catalog(
        locale=LOCALE,
        domain="django",
        project="Shuqiao",
        version="1",
        charset="utf-8",
        msgid_bugs_address="the issue tracker",
        last_translator="Shuqiao maintainers",
        language_team="Shuqiao maintainers",
        header_comment="# Translations of Shuqiao.",
        creation_date=old.creation_date,
        revision_date=old.revision_date,
        fuzzy=False,
    )
    for text, places in extract().items():
        files = sorted({place.file for place in places})
        message_id = (text.singular, text.plural) if text.plural else text.singular
        known = old.get(message_id, context=text.context or None)
        words = fill.get(text.key) or (_words(known) if known else "")
        string = (words,) if text.plural else words
        new.add(message_id, string, locations=[(file, 0) for file in files], context=text.context or None)
    PO_FILE.parent.mkdir(parents=True, exist_ok=True)
    with PO_FILE.open("wb") as file:
        write_po(file, new, width=110, sort_by_file=True, include_lineno=False, omit_header=False)
    return new


def missing() -> dict[Text, list[Place]]:
    """Texts of the sources that have no translation (a fuzzy one is none)."""
    catalog = read()
    found = {}
    for text, places in extract().items():
        message_id = (text.singular, text.plural) if text.plural else text.singular
        known = catalog.get(message_id, context=text.context or None)
        if known is None or not _words(known) or known.fuzzy:
            found[text] = places
    return found


def compile_catalog() -> Path | None:
    """Write the .mo file beside the .po file, if it is older; returns its path when there is something to compile."""
    if not PO_FILE.exists():
        return None
    mo_file = PO_FILE.with_suffix(".mo")
    if not mo_file.exists() or mo_file.stat().st_mtime_ns <= PO_FILE.stat().st_mtime_ns:
        temporary = mo_file.with_suffix(f".{os.getpid()}.mo")
        with temporary.open("wb") as file:
            write_mo(file, read())
        temporary.replace(mo_file)
    return mo_file


def _sources() -> Iterator[Path]:
    for folder in SOURCES:
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".py", ".html", ".txt") and "migrations" not in path.parts and path.is_file():
                if path.suffix == ".txt" and folder != "templates":
                    continue
                yield path


def _texts_of(path: Path) -> Iterator[tuple[int, str | tuple[str, ...], str | None]]:
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # What is left are calls between X's, in one line each; their indentation would not be Python's.
            source = "\n".join(line.lstrip() for line in templatize(source, origin=str(path)).splitlines())
    stream = io.BytesIO(source.encode())
    for line, words, _comments, context in babel_extract("python", stream, _KEYWORDS, options={"encoding": "utf-8"}):
        if words and words != "":
            yield line, words, context


def _translations(files: Iterable[Path]) -> dict[str, str]:
    merged: dict[str, str] = {}
    for file in files:
        merged |= json.loads(file.read_text(encoding="utf-8"))
    return merged


def _words(message: Message) -> str:
    string = message.string
    return str(string if isinstance(string, str) else (string[0] if string else ""))


def run(arguments: list[str], say: Callable[[str], object]) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="messages", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("action", choices=["update", "missing", "compile"], nargs="?", default="update")
    parser.add_argument("--merge", nargs="+", type=Path, default=[], metavar="FILE.json")
    parser.add_argument("--missing", action="store_true", help="list what has no translation")
    wanted = parser.parse_args(arguments)
    if wanted.action == "update" and not wanted.missing:
        say(f"{len(update(wanted.merge))} texts in {PO_FILE.relative_to(ROOT)}")
    if wanted.action != "missing" and not wanted.missing:
        compile_catalog()
        return 0
    untranslated = missing()
    for text, places in untranslated.items():
        say(f"{json.dumps(text.key, ensure_ascii=False)}  {', '.join(f'{p.file}:{p.line}' for p in places[:3])}")
    say(f"{len(untranslated)} without translation")
    return 1 if untranslated else 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], lambda line: sys.stdout.write(line + "\n")))
