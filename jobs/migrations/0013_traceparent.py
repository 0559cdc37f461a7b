from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("truestep", "0012_deleted_in_order")]

    operations = [migrations.AddField("job", "traceparent", models.TextField(null=True))]
