"""Applicants from outside, their route (domain.md §5), and extensions."""

import datetime as dt
from importlib import import_module

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.utils import timezone

import portal.ids

SHIPPED = import_module("sharing.migrations.0010_shipped_routes")
stage, when = SHIPPED.stage, SHIPPED.when
FIRST_DAY = dt.date(2025, 8, 1)
FROM_OUTSIDE = [[when("applicant_kind", "in", ["enterprise", "research", "other"])]]
STAGES = [
    stage(
        "open-acceptance",
        "受理审查",
        "Acceptance check",
        "authority_of_applicant",
        "authority_reviewer",
        5,
        late="escalate",
    ),
    stage(
        "open-answer",
        "数据提供部门答复",
        "Provider's answer",
        "provider",
        "provider_approver",
        15,
        late="authority",
    ),
    stage(
        "open-security",
        "数据安全审查",
        "Security review",
        "provider",
        "security_officer",
        3,
        ([when("grade", "ge", 3)], [when("personal_data", "in", ["personal", "sensitive"])]),
        late="escalate",
    ),
]


def fill(apps, schema_editor):
    """The route of applications from outside for conditionally open data; it stands before all others (domain.md §5)."""
    Route, RouteVersion = apps.get_model("sharing", "Route"), apps.get_model("sharing", "RouteVersion")
    defaults = {
        "title": "有条件开放申请流程",
        "title_en": "Route of applications for conditionally open data",
        "rank": 5,
        "is_active": True,
        "any_of": FROM_OUTSIDE,
    }
    route, created = Route.objects.get_or_create(key="open-conditional", defaults=defaults)
    if created:
        RouteVersion.objects.create(
            route=route, number=1, stages=STAGES, effective_from=FIRST_DAY, published_at=timezone.now()
        )


class Migration(migrations.Migration):

    dependencies = [
        ('portal', '0026_kinds_of_extensions'),
        ('sharing', '0020_questions_and_restrictions'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Extension',
            fields=[
                ('id', models.UUIDField(default=portal.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('days', models.PositiveSmallIntegerField()),
                ('reason', models.TextField(max_length=2000, verbose_name='reason')),
                ('asked_at', models.DateTimeField(auto_now_add=True, verbose_name='asked')),
                ('outcome', models.CharField(choices=[('asked', 'Waits for the authority'), ('given', 'Given'), ('denied', 'Not given')], default='asked', max_length=8)),
                ('note', models.TextField(blank=True, max_length=2000, verbose_name='note')),
                ('answered_at', models.DateTimeField(null=True)),
            ],
            options={
                'verbose_name': 'extension',
            },
        ),
        migrations.CreateModel(
            name='OpenApplicant',
            fields=[
                ('request', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='outside', serialize=False, to='sharing.sharingrequest')),
                ('credit_code', models.CharField(max_length=18, verbose_name='unified social credit code')),
                ('contact', models.CharField(blank=True, max_length=60, verbose_name='contact person')),
                ('sealed_phone', models.TextField(blank=True)),
                ('sealed_email', models.TextField(blank=True)),
                ('purpose', models.TextField(max_length=2000, verbose_name='what for')),
                ('safeguards', models.TextField(max_length=2000, verbose_name='safeguards')),
            ],
            options={
                'verbose_name': 'applicant from outside',
            },
        ),
        migrations.AddField(
            model_name='sharingrequest',
            name='applicant_kind',
            field=models.CharField(choices=[('department', 'Department'), ('enterprise', 'Enterprise'), ('research', 'Research institution'), ('other', 'Other organisation')], default='department', editable=False, max_length=12, verbose_name='kind of applicant'),
        ),
        migrations.AddField(
            model_name='sharingrequest',
            name='outside_name',
            field=models.CharField(blank=True, editable=False, max_length=120, verbose_name='applicant from outside'),
        ),
        migrations.AlterField(
            model_name='credential',
            name='created_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='dispute',
            name='opened_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='disputestatement',
            name='author',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='disputestatement',
            name='department',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.department'),
        ),
        migrations.AlterField(
            model_name='requestattachment',
            name='added_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='sharingrequest',
            name='created_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='requests', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='sharingrequest',
            index=models.Index(condition=models.Q(('applicant_kind', 'department'), _negated=True), fields=['-submitted_at'], name='request_from_outside'),
        ),
        migrations.AddConstraint(
            model_name='sharingrequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('applicant_kind', 'department'), ('created_by__isnull', False), ('outside_name', '')), models.Q(models.Q(('applicant_kind', 'department'), _negated=True), models.Q(('outside_name', ''), _negated=True), ('created_by__isnull', True)), _connector='OR'), name='applicant_is_inside_or_outside'),
        ),
        migrations.AddField(
            model_name='extension',
            name='answered_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='extension',
            name='asked_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='extension',
            name='authority',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.department'),
        ),
        migrations.AddField(
            model_name='extension',
            name='step',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='extension', to='sharing.approvalstep'),
        ),
        migrations.AddIndex(
            model_name='openapplicant',
            index=models.Index(fields=['credit_code'], name='outside_by_credit_code'),
        ),
        migrations.AddIndex(
            model_name='openapplicant',
            index=models.Index(condition=models.Q(('sealed_email', ''), _negated=True), fields=['request'], name='outside_with_contact'),
        ),
        migrations.AddField(
            model_name='grant',
            name='outside',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='grants', to='sharing.openapplicant'),
        ),
        migrations.AddIndex(
            model_name='extension',
            index=models.Index(fields=['authority', 'asked_at', 'id'], name='extension_of_authority'),
        ),
        migrations.AddConstraint(
            model_name='extension',
            constraint=models.CheckConstraint(condition=models.Q(('outcome', 'asked'), ('answered_at__isnull', False), _connector='XOR'), name='answered_extension_has_a_time'),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
