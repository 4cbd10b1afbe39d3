"""The three lists: demands, responsibilities, questions about what is not shared."""

import calendar
import datetime as dt

import django.db.models.deletion
import django.utils.timezone
import portal.ids
from django.conf import settings
from django.db import migrations, models
from django.utils import timezone


DAYS = {"realtime": 1, "daily": 1, "weekly": 7}
MONTHS = {"monthly": 1, "quarterly": 3, "half_yearly": 6, "yearly": 12}
BATCH = 1_000


def _next_due(last, cycle):
    if cycle in DAYS:
        return last + dt.timedelta(days=DAYS[cycle])
    if cycle in MONTHS:
        months = last.month - 1 + MONTHS[cycle]
        year, month = last.year + months // 12, months % 12 + 1
        return dt.date(year, month, min(last.day, calendar.monthrange(year, month)[1]))
    return None


def _line(model, dataset):
    if dataset.sharing_type == "not_shared":
        kind, due_on = "review", dataset.sharing_review_on
    else:
        last = timezone.localdate(dataset.loaded_at or dataset.modified)
        kind, due_on = "update", _next_due(last, dataset.update_cycle)
    if due_on is None:
        return None
    return model(
        kind=kind,
        duty_of_id=dataset.pk,
        department_id=dataset.provider_id,
        title=dataset.title,
        basis=dataset.sharing_basis[:500],
        due_on=due_on,
    )


def fill(apps, schema_editor):
    """The duties of the records that are published already, a thousand at a time."""
    model = apps.get_model("sharing", "Responsibility")
    rows = apps.get_model("catalog", "Dataset").objects.filter(state="published")
    rows = rows.annotate(loaded_at=models.Max("distributions__current__created_at")).order_by("pk")
    lines = []
    for dataset in rows.iterator(chunk_size=BATCH):
        line = _line(model, dataset)
        if line is not None:
            lines.append(line)
        if len(lines) >= BATCH:
            model.objects.bulk_create(lines)
            lines = []
    model.objects.bulk_create(lines)


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0009_lists'),
        ('portal', '0009_unsaved_texts'),
        ('sharing', '0004_sealed_usage'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Demand',
            fields=[
                ('id', models.UUIDField(default=portal.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('number', models.CharField(max_length=20, unique=True, verbose_name='number')),
                ('title', models.CharField(max_length=200, verbose_name='title')),
                ('purpose', models.TextField(max_length=2000, verbose_name='what for')),
                ('content', models.TextField(blank=True, max_length=2000, verbose_name='which data')),
                ('legal_basis', models.CharField(blank=True, max_length=500, verbose_name='legal basis')),
                ('sealed_email', models.TextField(blank=True)),
                ('state', models.CharField(choices=[('submitted', 'To be assigned'), ('assigned', 'With the holder'), ('accepted', 'Promised'), ('catalogued', 'In the catalogue'), ('fulfilled', 'Fulfilled'), ('declined', 'Declined'), ('rejected', 'Not taken up'), ('merged', 'Merged'), ('withdrawn', 'Withdrawn')], default='submitted', max_length=12, verbose_name='state')),
                ('reason', models.CharField(blank=True, choices=[('law_forbids', 'Forbidden by law'), ('not_held', 'Data not held'), ('not_collected', 'Collected by nobody: no duty to do so'), ('security', 'Security conditions not met'), ('other', 'Other'), ('existing', 'In the catalogue already'), ('unclear', 'Unclear what is asked for')], max_length=20)),
                ('answer', models.TextField(blank=True, verbose_name='answer')),
                ('promised_on', models.DateField(blank=True, null=True, verbose_name='promised for')),
                ('is_public', models.BooleanField(default=False)),
                ('public_title', models.CharField(blank=True, max_length=200, verbose_name='title for the public')),
                ('public_summary', models.TextField(blank=True, max_length=1000, verbose_name='summary for the public')),
                ('objections', models.PositiveSmallIntegerField(default=0)),
                ('version', models.PositiveIntegerField(default=0)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='asked')),
                ('due_at', models.DateTimeField(null=True)),
                ('is_provisional', models.BooleanField(default=False)),
                ('reminded_at', models.DateTimeField(null=True)),
                ('answered_at', models.DateTimeField(null=True)),
                ('closed_at', models.DateTimeField(null=True)),
                ('authority', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.department')),
                ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('dataset', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='demands', to='catalog.dataset')),
                ('department', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='demands', to='portal.department')),
                ('holder', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='demands_to_answer', to='portal.department')),
                ('merged_into', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='merged', to='sharing.demand')),
                ('suggested_holder', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.department')),
            ],
            options={
                'verbose_name': 'demand',
            },
        ),
        migrations.CreateModel(
            name='DemandSupporter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('need', models.CharField(max_length=500, verbose_name='what for')),
                ('joined_at', models.DateTimeField(auto_now_add=True)),
                ('demand', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='supporters', to='sharing.demand')),
                ('department', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.department')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['joined_at', 'id'],
            },
        ),
        migrations.CreateModel(
            name='Responsibility',
            fields=[
                ('id', models.UUIDField(default=portal.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('entered', 'Set by the authority'), ('demand', 'Promised on a demand'), ('update', 'Update of shared data'), ('review', 'Review of not sharing')], max_length=10, verbose_name='kind')),
                ('title', models.CharField(max_length=200, verbose_name='what')),
                ('basis', models.CharField(blank=True, max_length=500, verbose_name='basis')),
                ('due_on', models.DateField(verbose_name='due')),
                ('done_on', models.DateField(blank=True, null=True, verbose_name='done')),
                ('needs_data', models.BooleanField(default=False, verbose_name='with data, not only the record')),
                ('warned_for', models.DateField(null=True)),
                ('reminded_for', models.DateField(null=True)),
                ('version', models.PositiveIntegerField(default=0)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('dataset', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='responsibilities', to='catalog.dataset')),
                ('demand', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='responsibility', to='sharing.demand')),
                ('department', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='responsibilities', to='portal.department')),
                ('duty_of', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='duty', to='catalog.dataset')),
            ],
            options={
                'verbose_name': 'responsibility',
            },
        ),
        migrations.CreateModel(
            name='SharingQuestion',
            fields=[
                ('id', models.UUIDField(default=portal.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('text', models.TextField(max_length=1000, verbose_name='question')),
                ('asked_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('due_at', models.DateTimeField()),
                ('is_provisional', models.BooleanField(default=False)),
                ('reminded_at', models.DateTimeField(null=True)),
                ('answer', models.TextField(blank=True, max_length=2000, verbose_name='answer')),
                ('answered_at', models.DateTimeField(null=True)),
                ('answered_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('asked_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('dataset', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sharing_questions', to='catalog.dataset')),
            ],
            options={
                'verbose_name': 'question about a record that is not shared',
                'ordering': ['-asked_at', '-id'],
            },
        ),
        migrations.AddIndex(
            model_name='demand',
            index=models.Index(fields=['-created_at', '-id'], name='demand_newest'),
        ),
        migrations.AddIndex(
            model_name='demand',
            index=models.Index(fields=['due_at', 'id'], name='demand_by_deadline'),
        ),
        migrations.AddIndex(
            model_name='demand',
            index=models.Index(fields=['holder', 'due_at', 'id'], name='demand_of_holder'),
        ),
        migrations.AddIndex(
            model_name='demand',
            index=models.Index(fields=['authority', 'due_at', 'id'], name='demand_of_authority'),
        ),
        migrations.AddIndex(
            model_name='demand',
            index=models.Index(fields=['department', '-created_at', '-id'], name='demand_of_asker'),
        ),
        migrations.AddIndex(
            model_name='demand',
            index=models.Index(fields=['title', 'id'], name='demand_by_title'),
        ),
        migrations.AddIndex(
            model_name='demand',
            index=models.Index(condition=models.Q(('is_public', True)), fields=['-created_at', '-id'], name='demand_public'),
        ),
        migrations.AddIndex(
            model_name='demand',
            index=models.Index(condition=models.Q(('sealed_email', ''), _negated=True), fields=['closed_at'], name='demand_with_address'),
        ),
        migrations.AddConstraint(
            model_name='demand',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['assigned', 'accepted', 'catalogued']), _negated=True), ('holder__isnull', False), _connector='OR'), name='assigned_demand_has_a_holder'),
        ),
        migrations.AddConstraint(
            model_name='demand',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['accepted', 'catalogued', 'fulfilled']), _negated=True), ('promised_on__isnull', False), _connector='OR'), name='accepted_demand_has_a_day'),
        ),
        migrations.AddConstraint(
            model_name='demand',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state__in', ['catalogued', 'fulfilled']), _negated=True), ('dataset__isnull', False), _connector='OR'), name='catalogued_demand_has_a_dataset'),
        ),
        migrations.AddConstraint(
            model_name='demand',
            constraint=models.CheckConstraint(condition=models.Q(('department__isnull', True), ('sealed_email', ''), _connector='OR'), name='only_citizens_leave_an_address'),
        ),
        migrations.AddConstraint(
            model_name='demandsupporter',
            constraint=models.UniqueConstraint(fields=('demand', 'department'), name='department_joins_once'),
        ),
        migrations.AddIndex(
            model_name='responsibility',
            index=models.Index(fields=['due_on', 'id'], name='responsibility_by_day'),
        ),
        migrations.AddIndex(
            model_name='responsibility',
            index=models.Index(fields=['department', 'due_on', 'id'], name='responsibility_of_office'),
        ),
        migrations.AddIndex(
            model_name='responsibility',
            index=models.Index(fields=['title', 'id'], name='responsibility_by_title'),
        ),
        migrations.AddIndex(
            model_name='responsibility',
            index=models.Index(condition=models.Q(('done_on__isnull', True)), fields=['due_on'], name='responsibility_pending'),
        ),
        migrations.AddConstraint(
            model_name='responsibility',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('demand__isnull', True), ('duty_of__isnull', True), ('kind', 'entered')), models.Q(('demand__isnull', False), ('duty_of__isnull', True), ('kind', 'demand')), models.Q(('demand__isnull', True), ('duty_of__isnull', False), ('kind__in', ['update', 'review'])), _connector='OR'), name='responsibility_hangs_on_its_kind'),
        ),
        migrations.AddConstraint(
            model_name='responsibility',
            constraint=models.UniqueConstraint(condition=models.Q(('kind', 'entered')), fields=('department', 'title', 'due_on'), name='responsibility_entered_once', violation_error_message='This entry stands in the list already.'),
        ),
        migrations.AddIndex(
            model_name='sharingquestion',
            index=models.Index(condition=models.Q(('answered_at__isnull', True)), fields=['due_at'], name='sharing_question_open'),
        ),
        migrations.AddConstraint(
            model_name='sharingquestion',
            constraint=models.UniqueConstraint(condition=models.Q(('answered_at__isnull', True)), fields=('dataset',), name='one_open_question_per_dataset'),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
