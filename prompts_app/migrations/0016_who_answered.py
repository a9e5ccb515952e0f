"""Where each answer really came from, who could ever see a prompt, and why a run ended without a seal.

What earlier runs asked is not filled in: the host they were started on is kept beside, and an endpoint's
address could be changed afterwards. Since when a prompt could be seen is known as far as its dates and the
share links that are still there tell.
"""

from django.db import migrations, models
from django.db.models import Min, Q
from django.db.models.functions import Coalesce


def fill_seen_since(apps, schema_editor):
    Prompt = apps.get_model("prompts_app", "Prompt")
    ShareLinkPrompt = apps.get_model("prompts_app", "ShareLinkPrompt")
    shown = Prompt.objects.exclude(visibility="private") | Prompt.objects.exclude(published_at=None)
    shown.update(seen_since=Coalesce("published_at", "created_at"))
    chosen = ShareLinkPrompt.objects.filter(Q(although_private=True) | ~Q(prompt__visibility="private"))
    first = chosen.order_by().values_list("prompt").annotate(since=Min("link__created_at"))
    for prompt, since in first:
        earlier = Q(seen_since=None) | Q(seen_since__gt=since)
        Prompt.objects.filter(earlier, pk=prompt).update(seen_since=since)


class Migration(migrations.Migration):
    dependencies = [("prompts_app", "0015_stopped_workers")]

    operations = [
        migrations.AddField("result", "asked_at", models.CharField(blank=True, max_length=300)),
        migrations.AddField("run", "asked_at", models.JSONField(blank=True, default=list)),
        migrations.AddField("run", "endpoint_url", models.CharField(blank=True, max_length=300)),
        migrations.AddField("run", "judge_endpoint_url", models.CharField(blank=True, max_length=300)),
        migrations.AddField("run", "unsealed_why", models.CharField(blank=True, max_length=300)),
        migrations.AddField("prompt", "seen_since", models.DateTimeField(blank=True, null=True)),
        migrations.RunPython(fill_seen_since, migrations.RunPython.noop),
    ]
