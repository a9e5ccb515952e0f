"""Starting a run, going on with one, and pasting an output by hand."""

import json
from dataclasses import fields
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from itertools import product
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.crypto import get_random_string

from prompts_app.actions.runs.batches import (
    MOST_REPEATS,
    MOST_RUNS,
    SMALLEST_CAP,
    BatchPlan,
    check_can_run,
)
from prompts_app.actions.runs.estimate import Estimate, estimate_of
from prompts_app.actions.runs.judge import LONGEST_MODEL, JudgeChoice, needs_of_suite
from prompts_app.actions.runs.lifecycle import offered_practice, practice_endpoint
from prompts_app.engine import types as engine
from prompts_app.engine.types import LEVELS
from prompts_app.forms.fields import (
    CostCapField,
    LineField,
    PictureField,
    ProseField,
    set_choices,
    set_queryset,
)
from prompts_app.forms.judge import JudgeForm
from prompts_app.forms.refusals import refusals_on
from prompts_app.models import Batch, Case, Endpoint, Prompt, Task, Version
from prompts_app.models.endpoints import CHAT, IMAGES
from prompts_app.models.text import refuse_invisible

MOST_LISTED_MODELS = 200  # as boxes to tick; an endpoint that offers more has its models typed
LONGEST_OUTPUT = 500_000  # characters
AS_WRITTEN = "as-written"  # no setting of the run's own
VERBOSITIES = ("low", "medium", "high")
_SETTINGS = {"efforts": "reasoning_effort", "verbosities": "verbosity"}


class RunForm(JudgeForm):
    """Which versions to ask where. What depends on the endpoint is shown for the one that is chosen now."""

    versions = forms.TypedMultipleChoiceField(
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        required=False,
        error_messages={"invalid_choice": "There is no such version any more. Choose again."},
    )
    endpoint = forms.ChoiceField(
        help_text="Runs on one endpoint go one after the other.",
        error_messages={"invalid_choice": "There is no such endpoint any more. Choose again."},
    )
    models = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple,
        required=False,
        error_messages={"invalid_choice": "“%(value)s” is not among this endpoint’s models. Choose again."},
    )
    more_models = ProseField(
        label="Models, by name",
        required=False,
        help_text="One a line, exactly as the endpoint calls them.",
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
    )
    api = forms.ChoiceField(
        label="What comes back",
        choices=[(CHAT, "Texts"), (IMAGES, "Pictures, by the images API")],
        help_text="OpenAI’s dall-e models, and some others, send a picture only with the parameter "
        'response_format set to "b64_json".',
    )
    efforts = forms.MultipleChoiceField(
        label="Effort",
        choices=[(AS_WRITTEN, "as the prompt says"), *((level, level) for level in LEVELS)],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    verbosities = forms.MultipleChoiceField(
        label="Verbosity",
        choices=[(AS_WRITTEN, "as the prompt says"), *((level, level) for level in VERBOSITIES)],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    judges_after_thinking = forms.BooleanField(
        label="Judge what follows the thinking",
        required=False,
        help_text="For models that write their thinking into the answer, between <think> and </think>. All "
        "of it is kept and shown; assertions, judges and further turns see what comes after.",
    )
    stream = forms.BooleanField(
        label="Stream the answers",
        required=False,
        help_text="Each is asked for piece by piece, and the time to its first token is recorded. It is kept "
        "and judged whole, as ever.",
    )
    repeats = forms.IntegerField(
        min_value=1,
        max_value=MOST_REPEATS,
        initial=1,
        help_text="How often each case is asked. A case counts once: it passes when every repeat does.",
    )
    cost_cap = CostCapField(
        help_text="The runs stop when their known cost reaches it. Calls without a known price do not count "
        "towards it.",
    )

    page = forms.CharField(
        required=False, max_length=40, widget=forms.HiddenInput
    )  # which one was pressed on

    def __init__(self, *args: Any, prompt: Prompt, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.prompt = prompt
        set_choices(self, "versions", ((v.number, self._name_of(v)) for v in self.all_versions))
        set_choices(self, "endpoint", ((e.public_id, _name_of(e)) for e in self.endpoints))
        self.choose_judge(needs_of_suite(self.suite), self.endpoints)
        if prompt.task != Task.IMAGE:
            del self.fields["api"]
        self.initial = {**self._last_choices(), "page": get_random_string(22), **self.initial}
        set_choices(self, "models", ((name, name) for name in self.known_models))
        if self.known_models:
            self.fields["more_models"].label = "Other models, by name"

    def _name_of(self, version: Version) -> str:
        if self.prompt.task != Task.SKILL or version.pk != self.prompt.baseline_id:
            return str(version)
        has_skill = any(message["role"] == "system" for message in version.messages)
        return str(version) if has_skill else f"{version}, without the skill"

    @cached_property
    def all_versions(self) -> list[Version]:
        """Newest first."""
        return list(self.prompt.versions.order_by("-number"))

    @cached_property
    def endpoints(self) -> list[Endpoint]:
        """The author's own, then practice, which becomes a row when the form is sent: looking makes none."""
        owner = self.prompt.owner
        practice = practice_endpoint(owner) if self.is_bound else offered_practice(owner)
        own = Endpoint.objects.filter(owner=owner).exclude(kind=Endpoint.PRACTICE)
        return [*own.order_by("name"), practice]

    @property
    def chosen_endpoint(self) -> Endpoint:
        """The one chosen now, or the first."""
        chosen = self["endpoint"].value()
        return next((e for e in self.endpoints if e.public_id == chosen), self.endpoints[0])

    @property
    def known_models(self) -> list[str]:
        """Names to tick."""
        known = [str(name) for name in self.chosen_endpoint.known_models]
        return known if len(known) <= MOST_LISTED_MODELS else []

    def _last_choices(self) -> dict[str, Any]:
        """The newest version, of a skill its baseline too, and otherwise what was run last."""
        chosen = [version.number for version in self.all_versions[:1]]
        if self.prompt.task == Task.SKILL and self.prompt.baseline:
            chosen.append(self.prompt.baseline.number)
        last = Batch.objects.filter(prompt=self.prompt).select_related("judge_endpoint").first()
        run = last.runs.select_related("endpoint").first() if last else None
        if last is None or run is None or run.endpoint not in self.endpoints:
            first = self.endpoints[0]
            ready = first.known_models[:1] if first.is_practice or len(first.known_models) == 1 else []
            return {
                "versions": chosen, "endpoint": first.public_id, "models": ready, "api": IMAGES,
            }  # fmt: skip
        runs = list(last.runs.order_by("pk").values_list("model", "settings"))
        names = list(dict.fromkeys(model for model, _ in runs))
        known = run.endpoint.known_models
        return {
            "versions": chosen,
            "endpoint": run.endpoint.public_id,
            "models": [name for name in names if name in known],
            "more_models": "\n".join(dict.fromkeys(name for name in names if name not in known)),
            "repeats": last.repeats,
            "cost_cap": last.cost_cap,
            "api": IMAGES if run.api == IMAGES else CHAT,
            "judges_after_thinking": run.judges_after_thinking,
            **{
                field: sorted({settings.get(parameter, AS_WRITTEN) for _, settings in runs} - {AS_WRITTEN})
                for field, parameter in _SETTINGS.items()
            },
            "stream": run.stream,
            **self.usual_judge(last),
        }

    def clean_more_models(self) -> list[str]:
        names = [line.strip() for line in self.cleaned_data["more_models"].splitlines()]
        names = list(dict.fromkeys(name for name in names if name))
        if len(names) > MOST_RUNS:
            raise ValidationError(f"At most {MOST_RUNS} models at a time.")
        for name in names:
            refuse_invisible(name)
        return names

    def clean(self) -> dict[str, Any]:
        super().clean()
        if not self.errors:
            data = self.cleaned_data
            data["models"] = list(dict.fromkeys([*data["models"], *data["more_models"]]))
            data["endpoint"] = self.chosen_endpoint
            data["judge"] = self.chosen_judge()
            data.setdefault("api", CHAT)
            data["settings"] = self.settings
            data["versions"] = [v for v in self.all_versions if v.number in data["versions"]]
            with refusals_on(self):
                check_can_run(self.prompt, self.plan())
        return self.cleaned_data

    def plan(self) -> BatchPlan:
        """Once the form is valid."""
        return BatchPlan(**{field.name: self.cleaned_data[field.name] for field in fields(BatchPlan)})

    @property
    def press(self) -> str:
        """The same whenever the button is pressed on one page with the same choices; "" for no page."""
        if not self.cleaned_data["page"]:
            return ""
        typed = {name: self[name].value() for name in sorted(self.fields)}
        return sha256(json.dumps(typed).encode()).hexdigest()

    @cached_property
    def suite(self) -> tuple[engine.CaseContent, ...]:
        return self.prompt.suite()

    @property
    def suite_size(self) -> int:
        return len(self.suite)

    def estimate(self) -> Estimate:
        """What the choices as they stand now come to, whether or not the form is complete."""
        ticked = {str(number) for number in self["versions"].value() or ()}
        versions = [version for version in self.all_versions if str(version.number) in ticked]
        lines = str(self["more_models"].value() or "").splitlines()[:MOST_RUNS]
        typed = [name for line in lines if 0 < len(name := line.strip()) <= LONGEST_MODEL]
        ticked_models = [name for name in self["models"].value() or () if name in self.known_models]
        models = list(dict.fromkeys([*ticked_models, *typed]))
        repeats = _whole(self["repeats"].value(), 1, MOST_REPEATS)
        is_image = "api" in self.fields and self["api"].value() == IMAGES
        return estimate_of(
            versions[:MOST_RUNS], self.chosen_endpoint, models, self.suite, repeats,
            is_image=is_image, judge=self.judge_now, settings=len(self.settings),
        )  # fmt: skip

    @property
    def is_about_thinking(self) -> bool:
        """Whether anything of it is chosen, so that it is not hidden."""
        return any(self[name].value() for name in (*_SETTINGS, "judges_after_thinking"))

    @property
    def setting_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in _SETTINGS]

    @property
    def settings(self) -> list[dict[str, str]]:
        """What is ticked of effort × verbosity, as parameters; one that sets nothing where nothing is."""
        ticked = {parameter: self[name].value() or [] for name, parameter in _SETTINGS.items()}
        columns = product(*(levels or [AS_WRITTEN] for levels in ticked.values()))
        return [
            {name: level for name, level in zip(ticked, column, strict=True) if level != AS_WRITTEN}
            for column in columns
        ]

    @cached_property
    def judge_now(self) -> JudgeChoice | None:
        """The judge as it stands in the form now, whether or not it could be used."""
        typed = {
            name: str(self[name].value() or "").strip() if name in self.fields else ""
            for name in ("judge_model", "judge_embedding_model")
        }
        endpoint = self._endpoint(self["judge_endpoint"].value()) if self.judge_fields else None
        if endpoint is None or not any(typed.values()) or max(map(len, typed.values())) > LONGEST_MODEL:
            return None
        return JudgeChoice(endpoint, typed["judge_model"], typed["judge_embedding_model"])


def _name_of(endpoint: Endpoint) -> str:
    return f"{endpoint.name}: never counted as evidence" if endpoint.is_practice else endpoint.name


def _whole(text: Any, least: int, most: int) -> int:
    try:
        return min(most, max(least, int(str(text))))
    except ValueError:
        return least


class AskAgainForm(forms.Form):
    """Going on with a run that stopped; a new cap where it stopped at the old one."""

    run = forms.SlugField()
    cost_cap = CostCapField(
        min_value=SMALLEST_CAP,
        error_messages=dict.fromkeys(
            ("invalid", "min_value", "max_value", "max_digits", "max_decimal_places", "max_whole_digits"),
            "A cost cap is a number of US dollars, more than 0, to a hundredth of a cent.",
        ),
    )


class PasteForm(forms.Form):
    """One output from elsewhere, and what is known of it."""

    unmarked = ("output", "picture")  # one of them is needed

    version = forms.ModelChoiceField(Version.objects.none(), to_field_name="number", empty_label=None)
    case = forms.ModelChoiceField(Case.objects.none(), to_field_name="public_id", empty_label=None)
    model = LineField(
        max_length=200, help_text="As its provider calls it, with its date or size if it has one."
    )
    date = forms.DateField(
        label="Answered on", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    output = ProseField(
        max_length=LONGEST_OUTPUT,
        required=False,
        strip=False,
        help_text="Exactly as the model gave it.",
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false"}),
    )
    picture = PictureField(
        label="Or a picture",
        help_text="PNG, JPEG or WebP, up to 8 MB. It is drawn anew here: camera, place and texts in the file "
        "are gone. The file itself is not kept, only its SHA-256, which is shown.",
    )
    finish_reason = LineField(
        label="Finish reason", max_length=60, required=False, help_text="stop, length, …, if you know it."
    )
    tokens_in = forms.IntegerField(label="Tokens sent", required=False, min_value=0, max_value=100_000_000)
    tokens_out = forms.IntegerField(
        label="Tokens answered", required=False, min_value=0, max_value=100_000_000
    )

    def __init__(self, *args: Any, prompt: Prompt, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        set_queryset(self, "version", prompt.versions.order_by("-number"))
        set_queryset(self, "case", prompt.cases.in_order())
        self.fields["date"].initial = datetime.now(tz=UTC).date

    def clean(self) -> dict[str, Any]:
        super().clean()
        text, picture = self.cleaned_data.get("output"), self.cleaned_data.get("picture")
        if text and picture:
            self.add_error(
                "picture", "An output is a text or a picture: empty the text, or choose no picture."
            )
        if not (text or picture or {"output", "picture"} & set(self.errors)):
            self.add_error("output", "Paste the output, or choose its picture.")
        return self.cleaned_data
