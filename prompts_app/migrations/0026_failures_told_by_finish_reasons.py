"""Answers that an earlier release judged though their finish reason says that the provider failed.

They become what they are: no answer. The text that came stays. Of a sealed run the record stays what was
sealed (``sealed_as`` keeps what it says of them), and only what is counted changes. Runs whose results change
are counted anew when a worker starts: their frames are emptied here. And every run is told where its costs
are from.
"""

from django.db import migrations, models

ORDINARY = ["", "stop", "length", "tool_calls", "end_turn", "eos", "stop_sequence", "COMPLETE", "max_tokens"]
AT_ONCE = 500
TOLD = (
    "The provider ended the answer with “{reason}”, which says that it failed. An earlier release of this site "
    "took it for an answer, and judged it."
)


def mend(apps, schema_editor):
    from prompts_app.engine.finish_reasons import failure_of

    Result, Run = apps.get_model("prompts_app", "Result"), apps.get_model("prompts_app", "Run")
    judged = Result.objects.filter(error_kind="", run__source="recorded", picture={})
    odd = judged.exclude(finish_reason__in=ORDINARY).select_related("run").defer("request", "run__suite")
    changed = set()
    for result in odd.order_by("pk").iterator(chunk_size=AT_ONCE):
        reason = result.finish_reason
        old_call = "old_function_call" if reason == "function_call" and not result.output else None
        if kind := failure_of(reason, result.output) or old_call:
            _mend_one(result, kind, TOLD.format(reason=reason))
            changed.add(result.run_id)
    Run.objects.filter(pk__in=changed).update(frames="")


def _mend_one(result, kind, told):
    if result.run.sealed_at is not None:
        result.sealed_as = {"error": "", "passed": result.passed, "checks": result.checks}
    result.error_kind, result.error_message, result.passed, result.checks = kind, told, None, []
    result.save(update_fields=["sealed_as", "error_kind", "error_message", "passed", "checks"])


def tell_sources(apps, schema_editor):
    Result, Run = apps.get_model("prompts_app", "Result"), apps.get_model("prompts_app", "Run")
    for key in Run.objects.exclude(cost=None).order_by("pk").values_list("pk", flat=True).iterator():
        rows = Result.objects.filter(run_id=key).exclude(cost=None).order_by().values("cost_source")
        counts = rows.annotate(answers=models.Count("pk")).values_list("cost_source", "answers")
        Run.objects.filter(pk=key).update(cost_sources=dict(counts))


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0025_endpoint_prices")]

    operations = [
        migrations.AddField(
            model_name="result",
            name="sealed_as",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.RunPython(mend, migrations.RunPython.noop),
        migrations.RunPython(tell_sources, migrations.RunPython.noop),
    ]
