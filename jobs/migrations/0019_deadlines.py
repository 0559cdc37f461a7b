"""Deadlines of jobs, and run times of steps of which a note warns."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("truestep", "0018_concurrency")]

    operations = [
        migrations.AddField("job", "deadline", models.FloatField(null=True)),
        migrations.AddField("job", "deadline_at", models.DateTimeField(null=True)),
        migrations.AddField("job", "due_at", models.DateTimeField(null=True)),
        migrations.AddField("step", "warn_after", models.FloatField(null=True)),
        migrations.AddIndex(
            "job",
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="job_due"),
        ),
    ]
