"""Secret parameters of jobs, encrypted until the job has ended."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("truestep", "0020_logs_as_drawn")]

    operations = [
        migrations.AddField(
            "job", "sealed", models.TextField(blank=True, default="", db_default="")
        ),
    ]
