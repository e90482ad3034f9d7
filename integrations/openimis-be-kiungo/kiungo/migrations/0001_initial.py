"""The outbox; and `tblFamilySMS`, where openIMIS's own module has not made it already."""

from datetime import datetime

import core.fields
import django.db.models.deletion
from django.db import migrations, models

import kiungo.models


def make_consents(apps, schema_editor):
    """The table of consents, unless it is there."""
    model = apps.get_model("kiungo", "FamilyNotification")
    if model._meta.db_table not in schema_editor.connection.introspection.table_names():
        schema_editor.create_model(model)


CONSENTS = migrations.CreateModel(
    name="FamilyNotification",
    fields=[
        (
            "validity_from",
            core.fields.DateTimeField(db_column="ValidityFrom", default=datetime.now),
        ),
        ("validity_to", core.fields.DateTimeField(blank=True, db_column="ValidityTo", null=True)),
        (
            "family",
            models.OneToOneField(
                db_column="FamilyID",
                on_delete=django.db.models.deletion.CASCADE,
                primary_key=True,
                related_name="family_notification",
                serialize=False,
                to="insuree.family",
            ),
        ),
        ("approval_of_notification", models.BooleanField(db_column="ApprovalOfSMS", default=False)),
        (
            "language_of_notification",
            models.CharField(
                db_column="LanguageOfSMS", default=kiungo.models.default_language, max_length=5
            ),
        ),
    ],
    options={"db_table": "tblFamilySMS"},
)


class Migration(migrations.Migration):
    """First tables."""

    initial = True
    dependencies = [("insuree", "__first__"), ("policy", "__first__")]

    operations = [
        migrations.SeparateDatabaseAndState(state_operations=[CONSENTS]),
        migrations.RunPython(make_consents, migrations.RunPython.noop),
        migrations.CreateModel(
            name="OutboxEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=16)),
                ("key", models.BigIntegerField()),
                ("noted_at", models.DateTimeField()),
                ("rejected", models.TextField(blank=True, default="")),
            ],
            options={"db_table": "kiungo_outbox"},
        ),
        migrations.AddIndex(
            "OutboxEntry",
            models.Index(
                condition=models.Q(rejected=""), fields=["id"], name="kiungo_outbox_waiting"
            ),
        ),
    ]
