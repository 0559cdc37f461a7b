import django.db.models.deletion
from django.db import migrations, models

from ..models import JSONText


class Migration(migrations.Migration):
    dependencies = [("truestep", "0015_code_versions")]

    operations = [
        migrations.AlterModelOptions(
            "job",
            {
                "permissions": [
                    ("launch_job", "Can launch a job"),
                    ("control_job", "Can cancel and retry a job"),
                    ("view_log", "Can read the logs of steps"),
                    ("view_stack", "Can see where running steps are in their code"),
                ]
            },
        ),
        migrations.CreateModel(
            "StackRequest",
            [
                (
                    "step",
                    models.OneToOneField(
                        "truestep.step",
                        django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="stack_request",
                        serialize=False,
                    ),
                ),
                ("asked_at", models.DateTimeField()),
                ("answered_at", models.DateTimeField(null=True)),
                ("answer", JSONText(null=True)),
            ],
            options={"default_permissions": ()},
        ),
    ]
