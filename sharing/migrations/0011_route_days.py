"""A published version of a route has its first day; the mark of the one in force goes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sharing", "0010_shipped_routes")]
    operations = [
        migrations.RemoveConstraint(
            model_name='routeversion',
            name='one_route_version_in_force',
        ),
        migrations.RemoveField(
            model_name='routeversion',
            name='is_in_force',
        ),
        migrations.AddConstraint(
            model_name='routeversion',
            constraint=models.CheckConstraint(condition=models.Q(('published_at', None), ('effective_from__isnull', False), _connector='OR'), name='published_route_has_a_day'),
        ),
    ]
