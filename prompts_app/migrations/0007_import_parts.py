"""What was parsed of a file is kept beside its import: preview, save and a worker that goes on read that."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('prompts_app', '0006_search_in_order'),
    ]

    operations = [
        migrations.CreateModel(
            name='ImportPart',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('data', models.BinaryField()),
                ('of', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='parts', to='prompts_app.import')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('of', 'number'), name='import_part_unique')],
            },
        ),
    ]
