"""Relations of several kinds take the place of the plain "related" ones."""

import django.db.models.deletion
from django.db import migrations, models


def keep_related(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO catalog_datasetrelation (dataset_id, target_id, kind)"
            " SELECT from_dataset_id, to_dataset_id, 'related' FROM catalog_dataset_related"
            " WHERE from_dataset_id <> to_dataset_id"
        )


def give_back(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO catalog_dataset_related (from_dataset_id, to_dataset_id)"
            " SELECT dataset_id, target_id FROM catalog_datasetrelation WHERE kind = 'related'"
            " UNION SELECT target_id, dataset_id FROM catalog_datasetrelation WHERE kind = 'related'"
        )


class Migration(migrations.Migration):
    dependencies = [("catalog", "0009_lists")]

    operations = [
        migrations.CreateModel(
            name="DatasetRelation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("related", "related datasets"),
                            ("derived_from", "derived from"),
                            ("part_of", "part of"),
                            ("replaces", "replaces"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "dataset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="relations", to="catalog.dataset"
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="relations_to", to="catalog.dataset"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["target", "kind"], name="relation_back")],
                "constraints": [
                    models.UniqueConstraint(fields=("dataset", "kind", "target"), name="relation_once"),
                    models.CheckConstraint(
                        condition=models.Q(("dataset", models.F("target")), _negated=True), name="relation_to_another"
                    ),
                ],
            },
        ),
        migrations.RunPython(keep_related, give_back),
        migrations.RemoveField(model_name="dataset", name="related"),
    ]
