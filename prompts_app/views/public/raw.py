"""``/@handle/slug.md``, ``.json`` and the like: a prompt for programs, and to take away."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.text import capfirst

from prompts_app.actions.exporting.bundle import export_bundle
from prompts_app.actions.exporting.export import as_messages, as_promptfoo, as_skill, noted_failures
from prompts_app.engine.errors import Refused
from prompts_app.engine.formats import ImportedPrompt, ImportedVersion
from prompts_app.engine.formats import bundle as bundle_format
from prompts_app.engine.formats import markdown as markdown_format
from prompts_app.evidence.levels import level_name
from prompts_app.evidence.number_format import full_date, interval, not_judged
from prompts_app.evidence.origin import credit_of
from prompts_app.evidence.summary import summary_of, without_figures
from prompts_app.models import Prompt
from prompts_app.views.public.public_page import prompt_page


@prompt_page
def markdown(request: HttpRequest, found: Prompt) -> HttpResponse:
    version = found.latest_version
    if version is None:
        raise Http404
    text = markdown_format.emit(
        ImportedPrompt(
            title=found.title,
            summary=found.summary,
            task=found.task,
            tags=tuple(found.tags.order_by("name").values_list("name", flat=True)),
            licence=found.licence,
            forked_from=credit_of(found),
            known_failures=noted_failures(found),
            versions=(ImportedVersion(version.as_engine(), version.note),),
        ),
        remark=_remark(found),
    )
    return _raw(text, "text/markdown", f"{found.slug}.md")


def _remark(prompt: Prompt) -> str:
    """What a file says beside its content: how it tested, and what is masked in it."""
    parts = [f"{part.placeholder} (SHA-256 with a salt: {part.digest})" for part in prompt.private_parts]
    masked = f" Private parts, masked: {', '.join(parts)}." if parts else ""
    return evidence_line(prompt) + masked


def evidence_line(prompt: Prompt) -> str:
    """How it tested and where to see it, in one line; not where, for who reads it through a share link."""
    address = "" if prompt.read_at else settings.SITE_URL + prompt.get_absolute_url()
    evidence = summary_of(prompt)
    if not evidence:
        return f"{capfirst(without_figures(prompt))}. {address}".strip()
    passed, cases = evidence.passed, evidence.cases
    rate = f"{passed}/{cases} cases pass ({interval(passed, cases)})"
    rate = rate if cases else not_judged(evidence.outputs)
    return (
        f"v{evidence.version} on {evidence.main_model}: {rate}, "
        f"{level_name(evidence.level)}, {full_date(evidence.tested)}. {address}"
    ).strip()


@prompt_page
def bundle(request: HttpRequest, found: Prompt) -> HttpResponse:
    only = Prompt.objects.filter(pk=found.pk)
    text = bundle_format.emit(export_bundle(found.owner, only, everything=False))
    return _raw(text, "application/json", f"{found.slug}.json")


@prompt_page
def messages(request: HttpRequest, found: Prompt) -> HttpResponse:
    """The newest version as a Chat Completions body."""
    return _raw(as_messages(found), "application/json", f"{found.slug}.messages.json")


@prompt_page
def promptfoo(request: HttpRequest, found: Prompt) -> HttpResponse:
    text = as_promptfoo(found, remark=_remark(found))
    return _raw(text, "application/yaml", f"{found.slug}.promptfoo.yaml")


@prompt_page
def skill(request: HttpRequest, found: Prompt) -> HttpResponse:
    """The folder of a skill, with the cases as its evals."""
    try:
        folder = as_skill(found)
    except Refused as why:
        raise Http404(str(why)) from None
    return _raw(folder, "application/zip", f"{found.slug}.skill.zip")


def _raw(content: str | bytes, kind: str, name: str) -> HttpResponse:
    if isinstance(content, str):
        content, kind = content.encode("utf-8", "replace"), f"{kind}; charset=utf-8"
    response = HttpResponse(content, content_type=kind)
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
