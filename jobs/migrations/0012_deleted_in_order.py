from django.db import migrations, models

from ..models.fields import cascade_first


class Migration(migrations.Migration):
    dependencies = [("truestep", "0011_list_pairs")]

    operations = [
        migrations.AlterField(
            "transition",
            "step",
            models.ForeignKey("truestep.step", cascade_first, null=True, related_name="journal"),
        ),
        migrations.AlterField(
            "worker",
            "only_job",
            models.ForeignKey("truestep.job", cascade_first, null=True, related_name="+"),
        ),
    ]
