from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("truestep", "0013_traceparent")]

    operations = [
        migrations.AddField("attempt", "exit_code", models.IntegerField(null=True)),
        migrations.AddField("attempt", "peak_memory", models.PositiveBigIntegerField(null=True)),
        migrations.AddField(
            "attempt", "peak_is_shared", models.BooleanField(default=False, db_default=False)
        ),
        migrations.AddField("attempt", "cpu_seconds", models.FloatField(null=True)),
    ]
