"""The route of the national regulation (domain.md §5): own department, compliance check, provider, security office.

Terms are defaults that the authority changes by publishing a new version.
"""

from django.db import migrations
from django.utils import timezone

STAGES = [
    {
        "key": "own-department",
        "title": "本部门审核",
        "title_en": "Own department's review",
        "who": "applicant",
        "duty": "own_approver",
        "working_days": 2,
    },
    {
        "key": "compliance",
        "title": "主管部门规范性审查",
        "title_en": "Authority's compliance check",
        "who": "authority_of_applicant",
        "duty": "authority_reviewer",
        "working_days": 2,
    },
    {
        "key": "provider",
        "title": "数据提供部门审核",
        "title_en": "Provider's answer",
        "who": "provider",
        "duty": "provider_approver",
        "working_days": 10,
        "any_of": [[{"field": "sharing_type", "operator": "eq", "value": "conditional"}]],
    },
    {
        "key": "security",
        "title": "数据安全审查",
        "title_en": "Security review",
        "who": "provider",
        "duty": "security_officer",
        "working_days": 3,
        "any_of": [
            [{"field": "grade", "operator": "ge", "value": 3}],
            [{"field": "personal_data", "operator": "eq", "value": "sensitive"}],
        ],
    },
]


def fill(apps, schema_editor):
    route, _created = apps.get_model("sharing", "Route").objects.get_or_create(
        key="national", defaults={"title": "国家条例默认流程"}
    )
    apps.get_model("sharing", "RouteVersion").objects.get_or_create(
        route=route, number=1, defaults={"stages": STAGES, "is_in_force": True, "published_at": timezone.now()}
    )


class Migration(migrations.Migration):
    dependencies = [("sharing", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
