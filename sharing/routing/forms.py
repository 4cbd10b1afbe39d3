"""Forms of routes and their stages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import MaxValueValidator
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.models import Dataset
from portal.departments.models import Department, Duty, Region
from sharing.models import ApplicantKind, Purpose, Route
from sharing.routes import Late, Who
from sharing.routing.acts import Settings
from sharing.routing.words import FIELD_LABELS, LATE_LABELS, OPERATOR_LABELS, WHO_LABELS, hints, read_value, typed_value

CONDITION_ROWS = 6
ALTERNATIVES = 3


class ConditionsMixin(forms.Form):
    """Conditions as parallel fields ``group``, ``field``, ``operator``, ``value``: rows of one group hold together."""

    def __init__(self, *args: Any, any_of: list[list[dict[str, Any]]] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.any_of = any_of or []

    def rows(self) -> list[dict[str, Any]]:
        """The rows to show: those typed or kept, and empty ones below."""
        if self.is_bound:
            data: Any = self.data
            names = ("group", "field", "operator", "value")
            columns = [data.getlist(name)[:CONDITION_ROWS] for name in names]
            found = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=False)]
        else:
            found = [
                {"group": str(n), **condition, "value": typed_value(condition["field"], condition["value"])}
                for n, group in enumerate(self.any_of, start=1)
                for condition in group
            ]
        empty = {"group": "1", "field": "", "operator": "eq", "value": ""}
        return [*found, *([empty] * (CONDITION_ROWS - len(found)))]

    def read_conditions(self) -> list[list[dict[str, Any]]]:
        """The alternatives that were typed; what cannot be read is an error of the form."""
        groups: dict[str, list[dict[str, Any]]] = {}
        for row in self.rows():
            if not row["field"]:
                continue
            field, operator = row["field"], row["operator"]
            try:
                if field not in FIELD_LABELS or operator not in OPERATOR_LABELS:
                    raise ValueError(field)
                value = read_value(field, operator, row["value"])
            except ValueError:
                names = {"field": FIELD_LABELS.get(field, field[:40]), "hint": hints().get(field, "")}
                self.add_error(None, _("“%(field)s”: its value can be %(hint)s.") % names)
                continue
            groups.setdefault(row["group"], []).append({"field": field, "operator": operator, "value": value})
        return [groups[key] for key in sorted(groups)]

    @property
    def choices(self) -> dict[str, Any]:
        """What the row fields offer."""
        return {
            "groups": range(1, ALTERNATIVES + 1),
            "fields": FIELD_LABELS,
            "operators": OPERATOR_LABELS,
            "hints": [(label, hints().get(name, "")) for name, label in FIELD_LABELS.items()],
        }


class StageForm(ConditionsMixin):
    """One stage of a draft."""

    key = forms.SlugField(
        label=gettext_lazy("Short name"),
        max_length=40,
        help_text=gettext_lazy("Letters, digits and hyphens; statistics compare stages of the same key."),
    )
    title = forms.CharField(label=gettext_lazy("Title"), max_length=100)
    title_en = forms.CharField(label=gettext_lazy("English title"), max_length=100, required=False)
    who = forms.ChoiceField(label=gettext_lazy("Whose turn"), choices=list(WHO_LABELS.items()))
    department = forms.ModelChoiceField(
        Department.objects.none(),
        label=gettext_lazy("Named department"),
        required=False,
        help_text=gettext_lazy("Only when a named department decides."),
    )
    duty = forms.ChoiceField(label=gettext_lazy("Duty"), choices=Duty.choices)
    quorum = forms.IntegerField(
        label=gettext_lazy("How many must agree"),
        min_value=0,
        max_value=20,
        initial=1,
        help_text=gettext_lazy("0: everybody who holds the duty."),
    )
    working_days = forms.IntegerField(
        label=gettext_lazy("Working days"), min_value=1, initial=5, validators=[MaxValueValidator(250)]
    )
    late = forms.ChoiceField(label=gettext_lazy("When late"), choices=list(LATE_LABELS.items()))
    afterwards = forms.BooleanField(label=gettext_lazy("Reviews afterwards what was granted"), required=False)
    is_copy = forms.BooleanField(label=gettext_lazy("Gets a copy and does not vote"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["department"].queryset = Department.objects.active().order_by("region_id", "name")  # type: ignore[attr-defined]

    def stage(self) -> dict[str, Any] | None:
        """The stored form of what was typed; None when a condition cannot be read."""
        data = dict(self.cleaned_data)
        any_of = self.read_conditions()
        if data["who"] == Who.NAMED and data["department"] is None:
            self.add_error("department", _("Name the department."))
        if self.errors:
            return None
        found: dict[str, Any] = {
            name: data[name] for name in ("key", "title", "title_en", "who", "duty", "working_days")
        }
        if any_of:
            found["any_of"] = any_of
        if data["quorum"] != 1:
            found["quorum"] = data["quorum"]
        if data["late"] != Late.REMIND:
            found["late"] = data["late"]
        found |= {name: True for name in ("afterwards", "is_copy") if data[name]}
        if data["who"] == Who.NAMED:
            found["department"] = str(data["department"].pk)
        return found


class RouteForm(ConditionsMixin):
    """Which requests a route is for."""

    title = forms.CharField(label=gettext_lazy("Title"), max_length=100)
    title_en = forms.CharField(label=gettext_lazy("English title"), max_length=100, required=False)
    rank = forms.IntegerField(
        label=gettext_lazy("Precedence"),
        min_value=1,
        max_value=1_000,
        help_text=gettext_lazy("Of the routes that fit a request, the one with the lowest rank is taken."),
    )
    region = forms.ModelChoiceField(
        Region.objects.none(),
        label=gettext_lazy("Only for applicants in"),
        required=False,
        empty_label=gettext_lazy("All regions"),
    )
    is_active = forms.BooleanField(label=gettext_lazy("Switched on"), required=False)

    def __init__(self, *args: Any, route: Route | None = None, **kwargs: Any) -> None:
        if route is not None:
            names = ("title", "title_en", "rank", "region", "is_active")
            kwargs.setdefault("initial", {name: getattr(route, name) for name in names})
            kwargs.setdefault("any_of", route.any_of)
        super().__init__(*args, **kwargs)
        holding = Department.objects.authorities().values("region")
        self.fields["region"].queryset = Region.objects.filter(pk__in=holding).order_by("path")  # type: ignore[attr-defined]

    def settings(self) -> Settings | None:
        """What was typed; None when a condition cannot be read."""
        any_of = self.read_conditions()
        if self.errors:
            return None
        data = self.cleaned_data
        return Settings(data["title"], data["title_en"], data["rank"], data["region"], any_of, data["is_active"])


class NewRouteForm(RouteForm):
    """A new route, made of another."""

    key = forms.SlugField(label=gettext_lazy("Short name"), max_length=40)
    source = forms.ModelChoiceField(Route.objects.all(), label=gettext_lazy("Begin with the stages of"))
    field_order = ("key", "title", "title_en", "source")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["is_active"]
        self.fields["rank"].initial = 50

    def settings(self) -> Settings | None:
        self.cleaned_data["is_active"] = False
        return super().settings()


class PublishForm(forms.Form):
    """From which day, and what changed."""

    effective_from = forms.DateField(
        label=gettext_lazy("In force from"),
        initial=timezone.localdate,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )
    note = forms.CharField(label=gettext_lazy("What changed"), max_length=200, required=False)


class ExampleForm(forms.Form):
    """A request to try a route on; nothing is saved."""

    applicant = forms.ModelChoiceField(Department.objects.none(), label=gettext_lazy("Applicant"))
    datasets = forms.CharField(
        label=gettext_lazy("Resource codes"),
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("Codes of datasets, parted by commas or lines."),
    )
    purpose = forms.ChoiceField(label=gettext_lazy("Purpose"), choices=Purpose.choices)
    applicant_kind = forms.ChoiceField(
        label=gettext_lazy("Kind of applicant"),
        choices=ApplicantKind.choices,
        required=False,
        help_text=gettext_lazy("For somebody from outside, name the data authority that receives it as applicant."),
    )
    is_cross_border = forms.BooleanField(label=gettext_lazy("Data leave the country"), required=False)
    is_restricted = forms.BooleanField(label=gettext_lazy("Applicant on the restriction list"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["applicant"].queryset = Department.objects.active().order_by("region_id", "name")  # type: ignore[attr-defined]

    def clean_datasets(self) -> list[Dataset]:
        """The datasets of the codes; those that are not known are named."""
        codes = [code for code in self.cleaned_data["datasets"].replace("，", ",").replace(",", " ").split() if code]
        found = {d.code: d for d in Dataset.objects.filter(code__in=codes[:100]).select_related("provider__region")}
        missing = [code for code in codes[:100] if code not in found]
        if missing:
            raise forms.ValidationError(_("No dataset has the code %(code)s.") % {"code": missing[0][:60]})
        return [found[code] for code in dict.fromkeys(codes[:100])]
