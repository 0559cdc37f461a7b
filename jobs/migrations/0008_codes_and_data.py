from django.db import migrations, models

from ..models import JSONText


class Migration(migrations.Migration):

    dependencies = [
        ('truestep', '0007_living_and_pausing'),
    ]

    operations = [
        migrations.AddField(
            model_name='transition',
            name='code',
            field=models.CharField(default='', max_length=40),
        ),
        migrations.AddField(
            model_name='transition',
            name='data',
            field=JSONText(default=dict),
        ),
    ]
