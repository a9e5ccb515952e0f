"""Checks that an earlier release failed for what could not be known: they are not judged.

A result's verdict comes from its other assertions then. Of a sealed run the record stays what was sealed
(``sealed_as``), and only what is counted changes. Runs are counted anew when a worker starts.
"""

from django.db import migrations

AT_ONCE = 500
# How the reasons of that release began.
UNKNOWN = (
    "The tokens used are unknown:",
    "The latency is unknown:",
    "The cost is unknown:",
    "The endpoint did not say why the answer ended.",
    "The regular expression timed out after ",
    "The version has no “tools” among its parameters",
)


def mend(apps, schema_editor):
    from prompts_app.engine.assertions.stored import verdict_of_stored

    Result, Run = apps.get_model("prompts_app", "Result"), apps.get_model("prompts_app", "Run")
    failed = Result.objects.filter(passed=False, sealed_as={}).select_related("run")
    failed = failed.defer("request", "output", "run__suite")
    changed = set()
    for result in failed.order_by("pk").iterator(chunk_size=AT_ONCE):
        checks = [_as_it_is(check) for check in result.checks]
        if checks == result.checks:
            continue
        if result.run.sealed_at is not None:
            result.sealed_as = {"passed": result.passed, "checks": result.checks}
        result.checks, result.passed = checks, verdict_of_stored(checks)
        result.save(update_fields=["sealed_as", "checks", "passed"])
        changed.add(result.run_id)
    Run.objects.filter(pk__in=changed).update(frames="")


def _as_it_is(check):
    if check.get("passed") is False and str(check.get("reason", "")).startswith(UNKNOWN):
        return {**check, "passed": None, "score": None, "unknown": True}
    return check


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0027_tombstones_of_prompts")]

    operations = [migrations.RunPython(mend, migrations.RunPython.noop)]
