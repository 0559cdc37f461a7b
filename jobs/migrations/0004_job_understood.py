from django.db import migrations

from ..models import JSONText


class Migration(migrations.Migration):

    dependencies = [
        ('truestep', '0003_intents'),
    ]

    operations = [
        migrations.AddField(
            model_name='job',
            name='understood',
            field=JSONText(null=True),
        ),
    ]
