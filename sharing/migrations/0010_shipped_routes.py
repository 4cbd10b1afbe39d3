"""The routes that come with the portal: the national regulation's, a provincial variant, express, and cross-border.

The national one fits everything and stands last. The provincial one is a pattern, switched on for a region by its
authority. Terms are defaults that the authority changes by publishing a new version (domain.md §5, §9).
"""

import datetime as dt
from importlib import import_module

from django.db import migrations
from django.utils import timezone


NATIONAL = import_module("sharing.migrations.0002_national_route").STAGES
FIRST_DAY = dt.date(2025, 8, 1)
"""The day on which the regulation took effect."""


def stage(key, title, title_en, who, duty, days, any_of=(), **more):
    found = {"key": key, "title": title, "title_en": title_en, "who": who, "duty": duty, "working_days": days}
    return {**found, **({"any_of": [list(group) for group in any_of]} if any_of else {}), **more}


def when(field, operator, value):
    return {"field": field, "operator": operator, "value": value}


CONDITIONAL = ([when("sharing_type", "eq", "conditional")],)
GRADED = ([when("grade", "ge", 3)], [when("personal_data", "eq", "sensitive")])
OWN = ("own-department", "本部门审核", "Own department's review", "applicant", "own_approver")
CHECK = ("compliance", "主管部门规范性审查", "Authority's compliance check", "authority_of_applicant", "authority_reviewer")
PROVIDER = ("provider", "数据提供部门审核", "Provider's answer", "provider", "provider_approver")
SECURITY = ("security", "数据安全审查", "Security review", "provider", "security_officer")
COPY = ("levels", "知会中间层级主管部门", "Copy to the levels between", "levels_between", "authority_reviewer", 1)

ROUTES = [
    ("national", "国家条例默认流程", "Route of the national regulation", 100, True, [], NATIONAL),
    (
        "express",
        "应急快速流程",
        "Express route for emergencies",
        10,
        True,
        [[when("purpose", "eq", "emergency")]],
        [
            stage(*OWN, 1, late="authority"),
            stage(*PROVIDER, 1, CONDITIONAL, late="authority"),
            stage(*SECURITY, 1, GRADED, late="authority"),
            stage(
                "afterwards",
                "主管部门事后复核",
                "Authority's review afterwards",
                "authority_of_applicant",
                "authority_reviewer",
                5,
                afterwards=True,
            ),
        ],
    ),
    (
        "cross-border",
        "数据出境流程",
        "Route for data that leave the country",
        20,
        True,
        [[when("cross_border", "eq", True)]],
        [
            stage(*OWN, 2),
            stage(
                "own-security",
                "本部门出境安全自评估",
                "Own assessment of the transfer",
                "applicant",
                "security_officer",
                5,
            ),
            stage(*CHECK, 2),
            stage(*PROVIDER, 10, late="escalate"),
            stage(*SECURITY, 5, late="escalate"),
            stage(
                "transfer",
                "主管部门出境审查",
                "Authority's review of the transfer",
                "authority_of_provider",
                "authority_head",
                10,
                late="authority",
            ),
        ],
    ),
    (
        "provincial",
        "省级流程（五日答复）",
        "Provincial variant, answer in five days",
        50,
        False,
        [],
        [
            stage(*OWN, 1),
            stage(*CHECK, 2),
            stage(*PROVIDER, 5, CONDITIONAL, late="escalate"),
            stage(*SECURITY, 2, GRADED, late="escalate"),
            stage(*COPY, is_copy=True),
        ],
    ),
]


def fill(apps, schema_editor):
    Route, RouteVersion = apps.get_model("sharing", "Route"), apps.get_model("sharing", "RouteVersion")
    Route.objects.filter(key="national").update(
        title_en="Route of the national regulation", rank=100, is_active=True
    )
    RouteVersion.objects.filter(published_at__isnull=True).update(published_at=timezone.now())
    RouteVersion.objects.filter(effective_from__isnull=True).update(effective_from=FIRST_DAY)
    for key, title, title_en, rank, is_active, any_of, stages in ROUTES:
        route, created = Route.objects.get_or_create(
            key=key,
            defaults={"title": title, "title_en": title_en, "rank": rank, "is_active": is_active, "any_of": any_of},
        )
        if created:
            RouteVersion.objects.create(
                route=route,
                number=1,
                stages=stages,
                effective_from=FIRST_DAY,
                published_at=timezone.now(),
            )


class Migration(migrations.Migration):
    dependencies = [("sharing", "0009_routes_and_conditions")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
