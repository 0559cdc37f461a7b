from django.db import migrations, models

VERSION = models.CharField(max_length=100, blank=True, default="", db_default="")


class Migration(migrations.Migration):
    dependencies = [("truestep", "0014_what_attempts_used")]

    operations = [
        migrations.AddField("job", "code_version", VERSION.clone()),
        migrations.AddField("worker", "code_version", VERSION.clone()),
    ]
