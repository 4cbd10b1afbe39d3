"""Indexes of the negative list."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0008_standards'),
        ('portal', '0009_unsaved_texts'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name='dataitem',
            index=models.Index(condition=models.Q(('sharing_type', 'not_shared')), fields=['dataset', 'position', 'id'], name='item_not_shared'),
        ),
        migrations.AddIndex(
            model_name='dataset',
            index=models.Index(condition=models.Q(('sharing_type', 'not_shared'), ('state', 'published')), fields=['sharing_review_on', 'id'], name='dataset_not_shared_by_day'),
        ),
        migrations.AddIndex(
            model_name='dataset',
            index=models.Index(condition=models.Q(('sharing_type', 'not_shared'), ('state', 'published')), fields=['title', 'id'], name='dataset_not_shared_by_title'),
        ),
    ]
