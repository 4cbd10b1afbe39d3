"""Holidays are named in Chinese, as their notices name them; readers of English get the translation."""

from django.db import migrations

NAMES = {
    "New Year's Day": "元旦",
    "Spring Festival": "春节",
    "Tomb-sweeping Day": "清明节",
    "Labour Day": "劳动节",
    "Dragon Boat Festival": "端午节",
    "Mid-autumn Festival": "中秋节",
    "National Day": "国庆节",
}


def rename(apps, schema_editor):
    days = apps.get_model("portal", "CalendarDay")
    for english, chinese in NAMES.items():
        days.objects.filter(name=english).update(name=chinese)
    years = apps.get_model("portal", "CalendarYear")
    years.objects.filter(source="chinesecalendar").update(source="国务院办公厅节假日安排通知")


class Migration(migrations.Migration):
    dependencies = [("portal", "0017_kinds_of_deadlines")]
    operations = [migrations.RunPython(rename, migrations.RunPython.noop)]
