"""Fill the calendar with the published arrangements of past years and the current one."""

from django.db import migrations


def fill(apps, schema_editor):
    from chinese_calendar.constants import holidays, workdays

    day_model = apps.get_model("portal", "CalendarDay")
    year_model = apps.get_model("portal", "CalendarYear")
    rows = [(day, False, name) for day, name in holidays.items()] + [(day, True, name) for day, name in workdays.items()]
    rows = [(day, work, name) for day, work, name in rows if day.year >= 2020]
    day_model.objects.bulk_create(
        [day_model(day=day, is_workday=work, name=name) for day, work, name in rows], ignore_conflicts=True
    )
    years = sorted({day.year for day, _work, _name in rows})
    year_model.objects.bulk_create([year_model(year=year, source="chinesecalendar") for year in years])


class Migration(migrations.Migration):
    dependencies = [("portal", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
