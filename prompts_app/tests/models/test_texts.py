"""Every text of a prompt that others can read is in the one list that the check for secrets, the private
parts and the search go by."""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Count, F, Max, Value
from django.db.models.functions import Coalesce, Lower, Substr

from prompts_app.access import reads_as_visitor, reads_own
from prompts_app.actions.prompts.publish import findings_of
from prompts_app.models import KnownFailure, Prompt, Result, Run, Seal, Source, Tag, Version
from prompts_app.models.reading import Masked, TextsOnlyAsRows, reading, texts_of
from prompts_app.models.texts import COMPUTED, LOOKED_AT, texts_in_prompt
from prompts_app.tests.factories import CaseFactory, PromptFactory, ResultFactory, RunFactory, VersionFactory
from prompts_app.tests.people import alice

pytestmark = pytest.mark.django_db

KEY = "sk-" + "proj-a8Kd03nfLq92mZx71bVt"
COLUMNS = [
    (model, name)
    for model in LOOKED_AT
    for name in texts_of(model)
    if f"{model._meta.model_name}.{name}" not in COMPUTED
]
# Tables with words in them that hang on a prompt and that others read nothing of, and why.
NOT_READ_BY_OTHERS = {
    "PrivateSpan": "what is hidden",
    "SearchDocument": "copied from these texts, masked",
    "Listing": "copied from these texts, masked",
    "FormerSlug": "an address",
    "Batch": "the author's own: what was evidence of it is in its runs",
    "PictureFile": "bytes",
    "CasePictureFile": "bytes",
    "BlindVote": "hashes",
    "ShareLinkPrompt": "an order",
    "Try": "its author's alone, on every address",
}
# As they are stored, with a text in them.
FORMS: dict[str, Any] = {
    "version.messages": [{"role": "user", "content": KEY}],
    "version.variables": [{"name": "a", "default": "", "description": KEY}],
    "case.variables": {"word": KEY},
    "case.turns": [KEY],
    "case.assertions": [{"type": "equals", "options": {"transform": f"output + '{KEY}'"}, "metric": KEY}],
    "case.tool_results": [{"tool": "look_up", "result": "", "arguments": {"word": KEY}}],
    "case.pictures": [{"variable": "word", "sha256": "0", "width": 1, "height": 1, "alt": KEY}],
    "run.suite": [{"name": "C", "system": KEY}],
    "result.checks": [{"type": "llm-rubric", "judge": {"rubric": KEY, "calls": []}}],
}


@pytest.fixture
def prompt() -> Prompt:
    prompt = PromptFactory(owner=alice())
    run = RunFactory(version=VersionFactory(prompt=prompt), source=Source.RECORDED)
    ResultFactory(run=run)
    CaseFactory(prompt=prompt)
    KnownFailure.objects.create(prompt=prompt, run=run, case_index=0, diagnosis="It did.")
    return prompt


def put(model: type[Masked], name: str) -> None:
    """A key into the column of every row there is."""
    field = model._meta.get_field(name)
    value = {"said": KEY} if isinstance(field, models.JSONField) else KEY
    model._base_manager.update(**{name: FORMS.get(f"{model._meta.model_name}.{name}", value)})


@pytest.mark.parametrize(("model", "name"), COLUMNS, ids=lambda v: getattr(v, "__name__", v))
def test_a_key_is_found_in_every_column_that_holds_words(
    prompt: Prompt, model: type[Masked], name: str
) -> None:
    put(model, name)
    prompt.refresh_from_db()
    (finding,) = findings_of(prompt)
    assert finding.kind == "API key"


def test_tags_and_the_names_in_a_seal_are_read_too(prompt: Prompt) -> None:
    prompt.tags.add(Tag.objects.create(name="summer-house"))
    Seal.objects.create(
        owner=prompt.owner, run=Run.objects.get(), run_id_then="r", names={"title": "Elderflower"},
        sequence=1, record_digest="d", jws="j", digest="e", sealed_at=Run.objects.get().created_at,
    )  # fmt: skip
    said = {string for text in texts_in_prompt(prompt) for string in text.strings()}
    assert {"summer-house", "Elderflower"} <= said


def test_practice_is_its_authors_alone(prompt: Prompt) -> None:
    Run.objects.update(source=Source.PRACTICE)
    put(Result, "output")
    assert findings_of(prompt) == []


def test_every_table_of_a_prompt_is_read_or_said_not_to_be() -> None:
    """A new table that hangs on a prompt fails here until somebody says what others read of it."""
    known = {model.__name__ for model in LOOKED_AT} | NOT_READ_BY_OTHERS.keys() | {"Seal"}
    for model in apps.get_app_config("prompts_app").get_models():
        hangs_on = {
            field.related_model
            for field in model._meta.get_fields()
            if isinstance(field, models.ForeignKey) and field.name != "owner"
        }
        if hangs_on & set(LOOKED_AT) or issubclass(model, Masked):
            assert model.__name__ in known, f"{model.__name__}: see models.texts"


class TestTextsAreReadAsRows:
    """What ``values`` gives cannot be masked: with a reading in force it is refused, whoever reads."""

    @pytest.mark.parametrize(
        "asked",
        [
            lambda: Version.objects.values("messages"),
            lambda: Version.objects.values(),
            lambda: Version.objects.values_list("prompt__title"),
            lambda: Version.objects.values(said=F("note")),
            lambda: Result.objects.annotate(beginning=Substr("output", 1, 20)),
            lambda: Result.objects.aggregate(last=Max("error_message")),
            lambda: Run.objects.values("model", said=Lower(Coalesce("stop_reason", Value("")))),
        ],
    )
    def test_bare_values_of_a_text_are_refused(self, asked: Callable[[], object]) -> None:
        for reader in (reads_own(AnonymousUser), reads_as_visitor(AnonymousUser())):
            with reading(reader), pytest.raises(TextsOnlyAsRows):
                asked()
        asked()  # commands and tasks show nothing to anybody

    def test_what_is_no_text_and_what_is_only_counted_is_given(self) -> None:
        with reading(reads_own(AnonymousUser)):
            assert list(Run.objects.values_list("model", "public_id")) == []
            assert Result.objects.aggregate(outputs=Count("output", distinct=True)) == {"outputs": 0}
            assert list(Version.objects.filter(note="x").values("pk")) == []

    def test_code_that_must_says_so(self) -> None:
        with reading(reads_own(AnonymousUser)):
            assert list(Version.objects.unmasked_values().filter(note="").values_list("digest")) == []
