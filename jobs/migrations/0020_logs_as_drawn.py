"""How each chunk of a log begins, open lines, and how many warnings were logged."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("truestep", "0019_deadlines")]

    operations = [
        migrations.AddField("logchunk", "style", models.TextField(default="", db_default="")),
        migrations.AddField(
            "logchunk", "in_group", models.PositiveBigIntegerField(default=0, db_default=0)
        ),
        migrations.AddField("step", "open_line", models.TextField(default="", db_default="")),
        migrations.AddField(
            "step", "log_warnings", models.PositiveBigIntegerField(default=0, db_default=0)
        ),
        migrations.AddField(
            "step", "log_errors", models.PositiveBigIntegerField(default=0, db_default=0)
        ),
        migrations.AddField(
            "step", "error_line", models.PositiveBigIntegerField(default=0, db_default=0)
        ),
    ]
