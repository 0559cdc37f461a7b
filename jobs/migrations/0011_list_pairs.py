from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("truestep", "0010_redundant_indexes")]

    operations = [
        migrations.RemoveIndex("job", "job_by_status"),
        migrations.RemoveIndex("job", "job_by_definition"),
        migrations.AddIndex("job", models.Index(fields=["status", "id"], name="job_by_status")),
        migrations.AddIndex(
            "job", models.Index(fields=["definition", "id"], name="job_by_definition")
        ),
        migrations.AddIndex(
            "job", models.Index(fields=["definition", "status", "id"], name="job_by_both")
        ),
    ]
