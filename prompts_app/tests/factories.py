"""How tests make rows. Each makes the least that is valid; say in the test what matters to it."""

from typing import Any

import factory
from factory.django import DjangoModelFactory

from prompts_app.engine.digests import suite_digest
from prompts_app.evidence.listings import refresh_figures
from prompts_app.models import Case, Endpoint, Prompt, Result, Run, Source, User, Version


class PersonFactory(DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"person-{n}")
    email = factory.LazyAttribute(lambda o: f"{o.username}@example.com")

    @factory.post_generation  # type: ignore[untyped-decorator]  # see pyproject.toml
    def profile(self, create: bool, extracted: Any, **kwargs: Any) -> None:
        profile = self.profile  # made with the account; here it is filled in
        for name, value in ({"name": self.username.title()} | kwargs).items():
            setattr(profile, name, value)
        profile.save()


class PromptFactory(DjangoModelFactory):
    class Meta:
        model = Prompt

    owner = factory.SubFactory(PersonFactory)
    slug = factory.Sequence(lambda n: f"prompt-{n}")
    title = factory.Sequence(lambda n: f"Prompt {n}")
    summary = "Does one thing."

    @classmethod
    def _after_postgeneration(cls, instance: Prompt, create: bool, results: Any = None) -> None:
        super()._after_postgeneration(instance, create, results)
        if create:
            refresh_figures([instance])


class VersionFactory(DjangoModelFactory):
    class Meta:
        model = Version

    prompt = factory.SubFactory(PromptFactory)
    number = 1
    messages = factory.LazyFunction(lambda: [{"role": "user", "content": "Say {{word}}."}])
    variables = factory.LazyFunction(lambda: [{"name": "word", "default": "", "description": ""}])


class CaseFactory(DjangoModelFactory):
    class Meta:
        model = Case

    prompt = factory.SubFactory(PromptFactory)
    position = factory.Sequence(int)
    name = factory.Sequence(lambda n: f"Case {n}")
    variables = factory.LazyFunction(lambda: {"word": "yes"})
    assertions = factory.LazyFunction(lambda: [{"type": "contains", "value": "yes"}])


class EndpointFactory(DjangoModelFactory):
    class Meta:
        model = Endpoint

    owner = factory.SubFactory(PersonFactory)
    name = factory.Sequence(lambda n: f"Endpoint {n}")
    base_url = "http://127.0.0.1:9/v1"


class RunFactory(DjangoModelFactory):
    """A finished recorded run with no results yet; see ``recorded_run`` for one with results."""

    class Meta:
        model = Run

    prompt = factory.SelfAttribute("version.prompt")
    version = factory.SubFactory(VersionFactory)
    endpoint_name = "Test endpoint"
    model = "test-model"
    named = factory.SelfAttribute("model")
    source = Source.RECORDED
    state = Run.State.FINISHED
    suite = factory.LazyFunction(list)
    suite_digest = factory.LazyAttribute(lambda o: suite_digest([]))


class ResultFactory(DjangoModelFactory):
    class Meta:
        model = Result

    run = factory.SubFactory(RunFactory)
    case_index = factory.Sequence(int)
    output = "yes"
    finish_reason = "stop"
    passed = True
