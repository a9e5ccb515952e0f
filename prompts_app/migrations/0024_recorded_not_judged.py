"""How many answers a run has, whether a prompt's evidence was judged, and the model it is written for.

The summaries of prompts are written anew by the first worker that starts; the columns lists sort by, here.
"""

from django.db import migrations, models
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce

from prompts_app.models.text import refuse_invisible


ANSWERED = ("", "judge_error", "judge_again")


def count_answers(apps, schema_editor):
    Run, Result = apps.get_model("prompts_app", "Run"), apps.get_model("prompts_app", "Result")
    answers = Result.objects.filter(run=OuterRef("pk"), error_kind__in=ANSWERED).order_by().values("run")
    counted = answers.annotate(n=Count("pk")).values("n")
    Run.objects.update(answers=Coalesce(Subquery(counted), 0))
    apps.get_model("prompts_app", "Prompt").objects.filter(evidence_cases__gt=0).update(evidence_judged=True)


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0023_imports")]

    operations = [
        migrations.RemoveIndex(model_name="prompt", name="prompt_best_first"),
        migrations.AddField(
            model_name="prompt",
            name="evidence_judged",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="prompt",
            name="target_declared_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="prompt",
            name="target_model",
            field=models.CharField(blank=True, max_length=200, validators=[refuse_invisible]),
        ),
        migrations.AddField(
            model_name="run",
            name="answers",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddIndex(
            model_name="prompt",
            index=models.Index(
                fields=["visibility", "-evidence_judged", "-evidence_level", "-evidence_low"],
                name="prompt_best_first",
            ),
        ),
        migrations.RunPython(count_answers, migrations.RunPython.noop),
    ]
