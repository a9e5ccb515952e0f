"""Errors that were none: a worker that was stopped kept the end of its own program as a fault of the call.

Which results these are can be told by the words. They stay what they are, counted as without an answer: their
runs may be sealed, and asking again costs the author money. What changes is the message, which no seal covers.
"""

from django.db import migrations

UNTRUE = [
    ("internal", "The call failed in a way not foreseen (RuntimeError)."),
    ("internal", "The call failed in a way that was not foreseen (RuntimeError)."),
    ("internal", "The answer came, but judging it failed (RuntimeError)."),
    ("judge_error", "The call to the judge failed in a way not foreseen (RuntimeError)."),
]
TRUE = (
    "This says nothing about the model: most likely this site’s worker was being stopped while it asked, as at "
    "each of its updates, which earlier releases kept as an error. Ask again for what is missing."
)


def say_so(apps, schema_editor):
    results = apps.get_model("prompts_app", "Result").objects
    for kind, message in UNTRUE:
        results.filter(error_kind=kind, error_message=message).update(error_message=TRUE)


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0014_judging")]

    operations = [migrations.RunPython(say_so, migrations.RunPython.noop)]
