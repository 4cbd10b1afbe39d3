"""Forms of the builder, and the form that a request's applicant fills in."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils.datastructures import MultiValueDict
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from catalog.search import as_uuids
from portal.departments.models import Department
from portal.views import clean_text
from sharing.preparing.attachments import STARTS
from sharing.questions import kinds
from sharing.questions.answering import Typed
from sharing.questions.asked import Asked
from sharing.questions.kinds import Kind, Question, Words

ROWS_SHOWN = 3
MORE_ROWS = 10
RADIOS = 6


class TitleForm(forms.Form):
    """A form's title."""

    title = forms.CharField(label=_("Title"), max_length=100)
    title_en = forms.CharField(label=_("English title"), max_length=100, required=False)


class NewForm(TitleForm):
    """A new form of one of one's departments."""

    department = forms.ModelChoiceField(Department.objects.none(), label=_("Department"), empty_label=None)
    field_order = ("department", "title", "title_en")

    def __init__(self, *args: Any, departments: QuerySet[Department], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["department"].queryset = departments  # type: ignore[attr-defined]


class PublishForm(forms.Form):
    note = forms.CharField(label=_("What changed"), max_length=200, required=False)


def _lines(label: Any, help_text: Any) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": 4})
    return forms.CharField(label=label, help_text=help_text, max_length=5_000, widget=widget, required=False)


class QuestionEditForm(forms.Form):
    """One question of a draft. Choices and columns are written one a line, ``中文 | English``."""

    key = forms.SlugField(
        label=_("Short name"),
        max_length=40,
        help_text=_("Letters, digits and hyphens; answers are carried over to the question of the same short name."),
    )
    kind = forms.ChoiceField(label=_("Kind of answer"), choices=list(kinds.KIND_LABELS.items()))
    label = forms.CharField(label=pgettext_lazy("form", "Question"), max_length=300)
    label_en = forms.CharField(label=_("Question in English"), max_length=300, required=False)
    help = forms.CharField(label=_("Explanation"), max_length=500, required=False)
    help_en = forms.CharField(label=_("Explanation in English"), max_length=500, required=False)
    required = forms.BooleanField(label=_("Must be answered"), required=False)
    max_length = forms.IntegerField(
        label=_("Longest text"),
        min_value=1,
        max_value=kinds.LONGEST,
        initial=kinds.SHORT,
        help_text=_("In characters; for texts only."),
    )
    choices = _lines(_("Choices"), _("One a line; after a | its English. For questions with choices."))
    columns = _lines(_("Columns of the table"), _("One a line; after a | its English. For tables."))

    @staticmethod
    def initial_of(question: Question) -> dict[str, Any]:
        """A question as it is shown for editing."""
        found = question.to_json()
        for name in ("choices", "columns"):
            lines = [f"{each.zh} | {each.en}" if each.en else each.zh for each in getattr(question, name)]
            found[name] = "\n".join(lines)
        return found

    def question(self) -> Question:
        """What was typed; choices and columns only where the kind has them."""
        data = dict(self.cleaned_data)
        has_choices = data["kind"] in (Kind.ONE, Kind.SEVERAL)
        data["choices"] = _words_of(data["choices"]) if has_choices else ()
        data["columns"] = _words_of(data["columns"]) if data["kind"] == Kind.TABLE else ()
        return Question(**data)


def _words_of(text: str) -> tuple[Words, ...]:
    parts = [line.partition("|") for line in text.splitlines() if line.strip(" |\t")]
    return tuple(Words(zh.strip()[:60], en.strip()[:60]) for zh, _bar, en in parts)


class TableWidget(forms.Widget):
    """Rows of cells, as parallel lists of one column each; empty rows below take more."""

    def __init__(self, columns: Sequence[Words], more: int = ROWS_SHOWN) -> None:
        super().__init__()
        self.columns, self.more = columns, more

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[list[str]]:
        lists = [data.getlist(f"{name}-{n}")[: kinds.ROW_LIMIT + 1] for n in range(len(self.columns))]
        return [[clean_text(cell) for cell in row] for row in zip_longest(*lists, fillvalue="")]

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        rows = [row for row in value or [] if any(row)]
        empty = [[""] * len(self.columns)] * max(0, min(self.more, kinds.ROW_LIMIT - len(rows)))
        columns = [(n, column) for n, column in enumerate(self.columns)]
        shown = [list(zip(columns, row, strict=True)) for row in [*rows, *empty]]
        context = {"name": name, "id": (attrs or {}).get("id", ""), "columns": self.columns, "rows": shown}
        return SafeString(render_to_string("sharing/questions/_table.html", context))


class AnswerField(forms.Field):
    """The input of one question; what is typed is checked by ``answering.save``, so that nothing is lost."""

    def __init__(self, question: Question, more: int) -> None:
        super().__init__(required=False, label=question.title, help_text=question.hint, widget=_widget(question, more))
        self.question = question

    def clean(self, value: Any) -> Any:
        return clean_text(value) if isinstance(value, str) else value


def _widget(question: Question, more: int) -> forms.Widget:
    choices = [(each.zh, str(each)) for each in question.choices]
    match question.kind:
        case Kind.LONG:
            return forms.Textarea(attrs={"rows": 4, "maxlength": question.max_length})
        case Kind.ONE if len(choices) <= RADIOS:
            return forms.RadioSelect(choices=choices)
        case Kind.ONE:
            return forms.Select(choices=[("", "—"), *choices])
        case Kind.SEVERAL:
            return forms.CheckboxSelectMultiple(choices=choices)
        case Kind.DATE:
            return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
        case Kind.NUMBER:
            return forms.TextInput(attrs={"inputmode": "decimal", "maxlength": 30})
        case Kind.FILE:
            return forms.FileInput(attrs={"accept": ",".join(STARTS)})
        case Kind.TABLE:
            return TableWidget(question.columns, more)
    return forms.TextInput(attrs={"maxlength": question.max_length})


class AnswerForm(forms.Form):
    """The questions of one form as a request is asked them; its fields are named ``<form>-<key>``."""

    def __init__(
        self, asked: Asked, data: QueryDict | None = None, files: MultiValueDict[str, Any] | None = None
    ) -> None:
        self.asked = asked
        initial = {key: value for key, value in asked.values.items() if not isinstance(value, dict)}
        super().__init__(data, files, prefix=str(asked.form.pk), initial=initial)
        for question in asked.questions:
            asks_more = data is not None and data.get("more") == self.add_prefix(question.key)
            self.fields[question.key] = AnswerField(question, MORE_ROWS if asks_more else ROWS_SHOWN)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Each question with its field and, for a file, the one that answers it now."""
        found = []
        for question in self.asked.questions:
            value = self.asked.values.get(question.key)
            file = value if isinstance(value, dict) else None
            found.append({"question": question, "field": self[question.key], "file": file})
        return found

    def typed(self, data: QueryDict) -> Typed:
        """What was typed, with the state of the form that was seen."""
        self.full_clean()
        asked_files = {q.key for q in self.asked.questions if q.kind == Kind.FILE}
        values = {key: value for key, value in self.cleaned_data.items() if key not in asked_files}
        files = {key: self.cleaned_data[key] for key in asked_files if self.cleaned_data.get(key)}
        text = data.get(self.add_prefix("seen"), "")
        seen = int(text) if text.isdecimal() and len(text) < 9 else -1
        version = next(iter(as_uuids([data.get(self.add_prefix("version"), "")])), None)
        return Typed(self.asked.form.pk, version, seen, values, files)
