"""Summaries as tests need them: what they are about is given, everything else is unremarkable."""

from typing import Any

from prompts_app.engine.stats import wilson
from prompts_app.evidence.summary import ModelEvidence, Summary, VersionEvidence, summary_of
from prompts_app.models import Prompt


def _counted(given: dict[str, Any]) -> dict[str, Any]:
    passed, cases = given.get("passed", 9), given.get("cases", 10)
    low, high = wilson(passed, cases)
    usual = {"passed": passed, "cases": cases, "outputs": cases, "low": low, "high": high}
    return {**usual, "level": 2, "tokens_in": None, "cost_median": None, "run": ""}


def a_model(model: str = "main", **given: Any) -> ModelEvidence:
    usual = {
        "answered": "", "asked": "", "remark": "", "server": "", "maker": "", "errors": 0, "frames": "",
        "latency_ms": None, "tokens_out": None, "tested": "2026-11-14T00:00:00+00:00",
    }  # fmt: skip
    return ModelEvidence(**{**_counted(given), **usual, "model": model, **given})


def a_version(version: int = 1, **given: Any) -> VersionEvidence:
    usual = {"suite_digest": "a", "place": ""}
    return VersionEvidence(**{**_counted(given), **usual, "version": version, **given})


def a_summary(*history: VersionEvidence, **given: Any) -> Summary:
    """The last of ``history`` is the version shown; its figures are the summary's."""
    if history:
        last = history[-1]
        names = ("version", "passed", "cases", "outputs", "low", "high", "level", "tokens_in", "suite_digest")
        given = {**{name: getattr(last, name) for name in names}, **given}
    usual: dict[str, Any] = {
        "version": 1, "is_current": True, "main_model": "main", "place": "", "main_by": "only",
        "target_is": "", "baseline": history[0].version if len(history) > 1 else None, "newer_outputs": 0,
        "errors": 0, "frames": "", "suite_digest": "a", "models": [], "history": list(history), "runs": 1,
        "deleted_runs": 0, "latency_ms": None, "cost_call": None, "tested": "2026-11-14T00:00:00+00:00",
    }  # fmt: skip
    counted = {key: value for key, value in _counted(given).items() if key not in ("cost_median", "run")}
    return Summary(**{**counted, **usual, **given})


def summarised(prompt: Prompt) -> Summary:
    """Of a prompt that has figures."""
    summary = summary_of(prompt)
    assert summary is not None
    return summary
