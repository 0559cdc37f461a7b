"""Queues, priorities, and orders that concern no single job.

The database itself has the defaults of new columns: workers of the release before may go on.
"""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from ..models import JSONText


class Migration(migrations.Migration):
    dependencies = [("truestep", "0016_stack_requests")]

    operations = [
        migrations.CreateModel(
            name="Order",
            fields=[
                ("number", models.PositiveBigIntegerField(primary_key=True, serialize=False)),
                ("code", models.CharField(max_length=40)),
                ("data", JSONText(default=dict)),
                ("actor", models.CharField(blank=True, max_length=150)),
                ("source", models.CharField(blank=True, max_length=10)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={"ordering": ["number"]},
        ),
        migrations.CreateModel(
            name="Queue",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100, unique=True)),
                ("is_paused", models.BooleanField(default=False)),
                (
                    "order",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="truestep.order",
                    ),
                ),
            ],
            options={"permissions": [("control_queue", "Can pause and resume a queue")]},
        ),
        migrations.AddField("job", "priority", models.SmallIntegerField(default=0, db_default=0)),
        migrations.AddField(
            "step",
            "queue",
            models.CharField(max_length=100, default="default", db_default="default"),
        ),
        migrations.AddField("step", "rank", models.SmallIntegerField(default=0, db_default=0)),
        migrations.AddField("worker", "queues", JSONText(default=dict, db_default={})),
        migrations.AddField(
            "worker",
            "wanted",
            models.CharField(
                choices=[("work", "Work"), ("drain", "Drain"), ("stop", "Stop")],
                default="work",
                db_default="work",
                max_length=5,
            ),
        ),
        migrations.AddField(
            "worker",
            "order",
            models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="truestep.order",
            ),
        ),
        migrations.AlterModelOptions(
            "worker", {"permissions": [("control_worker", "Can drain and stop a worker")]}
        ),
        migrations.AddIndex(
            "step",
            models.Index(
                fields=["queue", "status", "waiting", "rank", "job", "position"],
                name="step_in_queue",
            ),
        ),
    ]
