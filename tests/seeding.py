"""What migrations put in, put in again: tests with real commits empty every table when they end."""

from importlib import import_module

from django.apps import apps
from django.contrib.contenttypes.models import ContentType


def seed() -> None:
    """Themes, calendar and the shipped routes, each when it is missing."""
    from catalog.models import Theme
    from portal.models import CalendarYear
    from sharing.models import Route

    ContentType.objects.clear_cache()
    if not Theme.objects.exists():
        import_module("catalog.migrations.0003_themes").fill(apps, None)
    if not CalendarYear.objects.exists():
        import_module("portal.migrations.0002_official_calendar").fill(apps, None)
        import_module("portal.migrations.0018_holiday_names").rename(apps, None)
    if not Route.objects.exists():
        import_module("sharing.migrations.0010_shipped_routes").fill(apps, None)
        import_module("sharing.migrations.0021_open_applications").fill(apps, None)
