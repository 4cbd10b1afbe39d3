"""The themes that most portals use (domain.md §4)."""

from django.db import migrations

THEMES = [
    ("信用服务", "Credit services"),
    ("医疗卫生", "Health care"),
    ("社保就业", "Social security and employment"),
    ("公共安全", "Public safety"),
    ("城建住房", "Urban construction and housing"),
    ("交通运输", "Transport"),
    ("教育文化", "Education and culture"),
    ("科技创新", "Science and innovation"),
    ("资源能源", "Resources and energy"),
    ("生态环境", "Ecology and environment"),
    ("工业农业", "Industry and agriculture"),
    ("商贸流通", "Trade and commerce"),
    ("财税金融", "Finance and taxation"),
    ("安全生产", "Work safety"),
    ("市场监管", "Market supervision"),
    ("社会救助", "Social assistance"),
    ("法律服务", "Legal services"),
    ("生活服务", "Daily life"),
    ("气象服务", "Weather"),
    ("地理空间", "Geography"),
    ("机构团体", "Organisations"),
    ("其他", "Other"),
]


def fill(apps, schema_editor):
    theme = apps.get_model("catalog", "Theme")
    theme.objects.bulk_create(
        [theme(code=f"{n:02}", name=name, name_en=english) for n, (name, english) in enumerate(THEMES, start=1)],
        ignore_conflicts=True,
    )


class Migration(migrations.Migration):
    dependencies = [("catalog", "0002_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
