"""Concurrency keys: the key of a job, its number while it holds the key, and the line."""

from django.db import migrations, models

_UNFINISHED = ["pending", "running"]


class Migration(migrations.Migration):
    dependencies = [("truestep", "0017_queues")]

    operations = [
        migrations.AddField(
            "job", "key", models.CharField(blank=True, max_length=200, default="", db_default="")
        ),
        migrations.AddField(
            "job", "at_most", models.PositiveSmallIntegerField(default=0, db_default=0)
        ),
        migrations.AddField("job", "key_number", models.PositiveSmallIntegerField(null=True)),
        migrations.AddField("job", "key_since", models.DateTimeField(null=True)),
        migrations.AddConstraint(
            "job",
            models.UniqueConstraint(
                fields=["key", "key_number"],
                condition=models.Q(key_number__gt=0, status__in=_UNFINISHED),
                name="job_key_number_once",
            ),
        ),
        migrations.AddIndex(
            "job",
            models.Index(
                fields=["status", "key", "-priority", "id"],
                condition=models.Q(key_number=0),
                name="job_in_line",
            ),
        ),
    ]
