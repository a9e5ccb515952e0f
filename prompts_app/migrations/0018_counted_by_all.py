"""What all processes share: the table of the default cache (made here, so that nobody has to know of
createcachetable), mail that waits, handles of people who left, and which press of a button a batch came of."""

import django.utils.timezone
from django.core.management import call_command
from django.db import migrations, models

TABLE = "proofsheet_cache"  # settings.CACHE_TABLE


def make_cache_table(apps, schema_editor):
    call_command("createcachetable", TABLE, database=schema_editor.connection.alias, verbosity=0)


def drop_cache_table(apps, schema_editor):
    schema_editor.execute(f"DROP TABLE {schema_editor.quote_name(TABLE)}")


class Migration(migrations.Migration):

    dependencies = [
        ('prompts_app', '0017_any_script'),
    ]

    operations = [
        migrations.RunPython(make_cache_table, drop_cache_table),
        migrations.CreateModel(
            name='GoneHandle',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(max_length=64, unique=True)),
                ('was_seen', models.BooleanField(default=False)),
            ],
        ),
        migrations.CreateModel(
            name='QueuedMail',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sealed', models.BinaryField()),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('due_at', models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
            ],
            options={
                'verbose_name_plural': 'queued mail',
            },
        ),
        migrations.AddField(
            model_name='batch',
            name='press',
            field=models.CharField(blank=True, editable=False, max_length=64),
        ),
        migrations.AddConstraint(
            model_name='batch',
            constraint=models.UniqueConstraint(condition=models.Q(('press', ''), _negated=True), fields=('prompt', 'press'), name='batch_once_a_press'),
        ),
    ]
