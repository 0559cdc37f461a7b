import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models
from django.db.models import Case, OuterRef, Subquery, Value, When


def fill_in(apps, schema_editor):
    """What rows of an older release would have said, as far as their journal tells."""
    Job, Step, Attempt, Transition = (
        apps.get_model("truestep", name) for name in ("Job", "Step", "Attempt", "Transition")
    )
    last = Transition.objects.filter(job=OuterRef("pk")).order_by("-seq").values("tag")[:1]
    Job.objects.update(tag=Subquery(last))
    moves = Transition.objects.filter(step=OuterRef("pk"), kind="move").order_by("-seq")
    Step.objects.filter(fence__gt=0).update(tag=Subquery(moves.values("tag")[:1]))
    ended = Attempt.objects.exclude(ended_at=None)
    left = Transition.objects.filter(
        step=OuterRef("step"), attempt=OuterRef("number"), kind="move", from_status="running"
    )
    ended.annotate(status=Subquery(left.values("to_status")[:1])).update(
        verdict=Case(
            When(status="succeeded", then=Value("returned")),
            When(status="failed", then=Value("failed")),
            When(status="cancelled", then=Value("stopped")),
            default=Value("handed back"),
        )
    )
    failed = Attempt.objects.filter(verdict="failed").values("step")
    Step.objects.filter(pk__in=failed).update(failures=1)
    # PostgreSQL alters no table of which foreign keys are still to be checked.
    schema_editor.connection.check_constraints()


class Migration(migrations.Migration):

    dependencies = [
        ('truestep', '0001_initial'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='job',
            options={'permissions': [('launch_job', 'Can launch a job'), ('control_job', 'Can cancel and retry a job'), ('view_log', 'Can read the logs of steps')]},
        ),
        migrations.AddField(
            model_name='attempt',
            name='verdict',
            field=models.CharField(blank=True, choices=[('returned', 'Returned'), ('failed', 'Failed'), ('timed out', 'Timed Out'), ('died', 'Died'), ('lost', 'Lost'), ('stopped', 'Stopped'), ('handed back', 'Handed Back')], max_length=11),
        ),
        migrations.AddField(
            model_name='job',
            name='again_of',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='followers', to='truestep.job'),
        ),
        migrations.AddField(
            model_name='job',
            name='tag',
            field=models.CharField(default='', max_length=8),
        ),
        migrations.AddField(
            model_name='step',
            name='crashes',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='step',
            name='failures',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='step',
            name='not_before',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='step',
            name='retries',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='step',
            name='retry_delay',
            field=models.FloatField(default=0),
        ),
        migrations.AddField(
            model_name='step',
            name='tag',
            field=models.CharField(default='', max_length=8),
        ),
        migrations.AddField(
            model_name='worker',
            name='beat_at',
            field=models.DateTimeField(default=django.utils.timezone.now),
        ),
        migrations.RunPython(fill_in, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name='attempt',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at', None), ('verdict', '')), models.Q(models.Q(('ended_at', None), _negated=True), models.Q(('verdict', ''), _negated=True)), _connector='OR'), name='attempt_verdict_iff_ended'),
        ),
        migrations.AddConstraint(
            model_name='step',
            constraint=models.CheckConstraint(condition=models.Q(('status', 'pending'), ('not_before', None), _connector='OR'), name='step_not_before_only_while_pending'),
        ),
    ]
