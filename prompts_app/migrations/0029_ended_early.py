"""How many runs of a prompt ended early, beside its summary: lists and badges say so too."""

from django.db import migrations, models

ENDED = ["cancelled", "capped", "stopped"]
ANSWERED = ["", "judge_error", "judge_again"]  # what was said is kept, though nobody judged it


def count(apps, schema_editor):
    Prompt, Run, Result = (apps.get_model("prompts_app", name) for name in ("Prompt", "Run", "Result"))
    answered = models.Exists(Result.objects.filter(run=models.OuterRef("pk"), error_kind__in=ANSWERED))
    runs = Run.objects.filter(answered, state__in=ENDED, source="recorded").order_by()
    for row in runs.values("prompt").annotate(n=models.Count("pk")):
        Prompt.objects.filter(pk=row["prompt"]).update(ended_early=row["n"])


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0028_unknown_is_not_failed")]

    operations = [
        migrations.AddField("prompt", "ended_early", models.PositiveIntegerField(default=0)),
        migrations.RunPython(count, migrations.RunPython.noop),
    ]
