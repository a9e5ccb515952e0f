"""``/@handle/slug/results/``: every result that counts, failures first, by version, model, case and state."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render

from prompts_app.evidence.case_outcomes import cells_in, page_of, rows_of
from prompts_app.evidence.frames import FrameState
from prompts_app.evidence.records import Records, RunCase
from prompts_app.evidence.summary import ModelEvidence
from prompts_app.models import Prompt, Run
from prompts_app.models.text import without_invisible
from prompts_app.views.public.public_page import part_ld, prompt_page

# What is asked for in the address → the state of a frame; failures first.
STATES = {
    "failed": FrameState.FAILED,
    "error": FrameState.NO_ANSWER,
    "unjudged": FrameState.UNJUDGED,
    "passed": FrameState.PASSED,
}

type Runs = Mapping[tuple[int, str], Run]  # version and model → the run that counts


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; "" and 0 filter nothing, but the version is always one."""

    version: int = 0
    model: str = ""
    case: int = 0
    state: str = ""

    def query(self) -> str:
        return urlencode({f.name: value for f in fields(self) if (value := getattr(self, f.name))})

    def runs_of(self, runs: Runs) -> list[Run]:
        """The runs of that version on that model, or on all of them."""
        return [
            run
            for (number, model), run in runs.items()
            if number == self.version and self.model in ("", model)
        ]

    def cells_of(self, runs: Sequence[Run]) -> list[RunCase]:
        """What is shown of them, in its order."""
        states = [STATES[self.state]] if self.state else STATES.values()
        cells = (cell for state in states for cell in cells_in(runs, state))
        return [cell for cell in cells if self.case in (0, cell.index + 1)]


@prompt_page
def result_list(request: HttpRequest, prompt: Prompt) -> HttpResponse:
    records = Records(prompt)
    summary = records.summary
    runs = _in_order(records.latest, summary.models if summary else ())
    wanted, ignored = read_wanted(request.GET, runs)
    chosen = wanted.runs_of(runs)
    page = page_of(wanted.cells_of(chosen), request.GET.get("page", 1))
    context = {
        "prompt": prompt,
        "wanted": wanted,
        "ignored": ignored,
        "versions": sorted({number for number, _ in runs}, reverse=True),
        "models": [model for number, model in runs if number == wanted.version],
        "states": [(word, state.word) for word, state in STATES.items()],
        "cases": max((len(run.frames) for run in chosen), default=0),
        "counts": _counts(chosen),
        "page": page,
        "rows": rows_of(records, page),
        "query": wanted.query(),
        "json_ld": part_ld(prompt, f"Results of {prompt.title}", f"{prompt.get_absolute_url()}results/"),
    }
    return render(request, "public/result_list.html", context)


def _in_order(runs: Runs, first: Iterable[ModelEvidence]) -> Runs:
    """Newest version first; of each the models in the order of the prompt's page."""
    places = {item.model: place for place, item in enumerate(first)}
    order = sorted(runs, key=lambda key: (-key[0], places.get(key[1], len(places)), key[1]))
    return {key: runs[key] for key in order}


def read_wanted(get: QueryDict, runs: Runs) -> tuple[Wanted, list[str]]:
    """What is asked for, and a sentence for each value that means nothing here and is left out."""
    newest = next(iter(runs), (0, ""))[0]
    number = _number(get.get("version", ""))
    version = number if any(number == known for known, _ in runs) else newest
    models = {model for known, model in runs if known == version}
    typed = {
        "version": (get.get("version", ""), version == number),
        "model": (get.get("model", ""), get.get("model", "") in models),
        "case": (get.get("case", ""), _number(get.get("case", "")) > 0),
        "state": (get.get("state", ""), get.get("state", "") in STATES),
    }
    wanted = Wanted(
        version,
        typed["model"][0] if typed["model"][1] else "",
        _number(typed["case"][0]),
        typed["state"][0] if typed["state"][1] else "",
    )
    ignored = [
        f"There is no {name} “{without_invisible(value)[:40]}” here; it was left out."
        for name, (value, is_known) in typed.items()
        if value and not is_known
    ]
    return wanted, ignored


def _number(text: str) -> int:
    return int(text) if re.fullmatch("[0-9]{1,6}", text) else 0


def _counts(runs: Sequence[Run]) -> list[tuple[str, int]]:
    """How many case results of each state there are, in words; those there are none of are left out."""
    counted = ((state.word, sum(run.frames.count(state) for run in runs)) for state in STATES.values())
    return [(word, count) for word, count in counted if count]
