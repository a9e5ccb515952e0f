"""Importing: what is saved, that it is all or nothing, and that twice makes no doubles."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from prompts_app.actions.importing import apply as import_
from prompts_app.actions.importing import save as import_save
from prompts_app.actions.importing.apply import ImportOptions, TooManyPrompts, import_prompts, preview
from prompts_app.actions.importing.report import ImportReport
from prompts_app.engine.formats import ImportedPrompt, ImportedVersion, Parsed, parse
from prompts_app.engine.formats.markdown import emit
from prompts_app.engine.types import Assertion, CaseContent, Message, PromptContent, Variable
from prompts_app.models import FormerSlug, Prompt, Tag, Version, Visibility
from prompts_app.models.prompts import MOST_MESSAGES
from prompts_app.models.tags import tag_name
from prompts_app.search import find
from prompts_app.tests.factories import PromptFactory
from prompts_app.tests.people import alice, dana

pytestmark = pytest.mark.django_db

SAMPLE = Path(__file__).parents[1] / "data" / "prompts-chat-sample.csv"


def one(text: str = "Write about {{topic}}.", title: str = "Writer", **fields: Any) -> ImportedPrompt:
    version = ImportedVersion(PromptContent((Message("user", text),)))
    return ImportedPrompt(
        **{"title": title, "versions": (version,), "source": "a test", "where": "row 2"} | fields
    )


def bring(*prompts: ImportedPrompt, **more: Any) -> ImportReport:
    return import_prompts(alice(), Parsed(prompts), **more)


def sample() -> Parsed:
    return parse(SAMPLE.name, SAMPLE.read_bytes())


# --- what is saved ------------------------------------------------------------------------------------------


def test_a_prompt_is_private_with_its_first_version_and_a_note_on_where_it_came_from() -> None:
    bring(one(written_for="gpt-4o"))
    prompt = Prompt.objects.get()
    version = prompt.versions.get()
    assert (prompt.owner, prompt.title, prompt.slug, prompt.source) == (alice(), "Writer", "writer", "a test")
    assert prompt.visibility == Visibility.PRIVATE
    assert version.number == 1
    assert version.messages == [{"role": "user", "content": "Write about {{topic}}."}]
    assert version.variables == [{"name": "topic", "default": "", "description": ""}]
    assert version.note == "Imported from a test. Written for gpt-4o."
    assert version.digest == version.content_digest()


def test_several_versions_keep_their_order_and_notes() -> None:
    versions = tuple(
        ImportedVersion(PromptContent((Message("user", text),)), note)
        for text, note in [("One", "a"), ("Two", "b")]
    )
    bring(one(versions=versions))
    stored = Version.objects.order_by("number").values_list("number", "note")
    assert list(stored) == [(1, "a"), (2, "b")]


def test_cases_come_with_their_assertions_and_are_counted() -> None:
    case = CaseContent(
        "Spain", {"topic": "Madrid"}, ("And now?",), (Assertion("contains", "sun"), Assertion("is-json"))
    )
    report = bring(one(cases=(case, CaseContent(""))))
    assert (report.cases, report.assertions) == (2, 2)
    first, second = Prompt.objects.get().suite()
    assert first == case
    assert second.name == "Case 2"


def test_placeholders_become_variables_with_their_defaults() -> None:
    bring(one("Act as ${role:a poet} for [CLIENT NAME] on {topic}."))
    version = Version.objects.get()
    assert version.messages[0]["content"] == "Act as {{role}} for {{client_name}} on {{topic}}."
    assert [(v["name"], v["default"]) for v in version.variables] == [
        ("role", "a poet"),
        ("client_name", ""),
        ("topic", ""),
    ]


def test_placeholders_stay_where_their_style_was_not_chosen() -> None:
    bring(one("${a} [BEE] {cee}"), options=ImportOptions(frozenset({"braces"})))
    assert Version.objects.get().messages[0]["content"] == "${a} [BEE] {{cee}}"


def test_a_format_with_templates_of_its_own_is_taken_as_it_stands() -> None:
    report = preview([Parsed((one("{{a}} {b} [SEE HERE]", is_templated=True),))], alice())
    assert report.offered == ()
    bring(one("{{a}} {b} [SEE HERE]", is_templated=True))
    assert Version.objects.get().messages[0]["content"] == "{{a}} {b} [SEE HERE]"


def test_variables_the_file_describes_are_kept_even_unused() -> None:
    described = PromptContent((Message("user", "{{a}}"),), (Variable("b", "1", "spare"), Variable("a", "2")))
    bring(one(versions=(ImportedVersion(described),)))
    assert [v["name"] for v in Version.objects.get().variables] == ["a", "b"]


def test_imported_prompts_are_found_by_search() -> None:
    bring(one("Compose a madrigal."))
    assert len(find("madrigal", author=alice().pk).prompts) == 1


# --- titles, slugs, tags ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Ünïcode & more!", "unicode-more"),
        ("New", "new-2"),
        ("collections", "collections-2"),
        ("a" * 200, "a" * 75),
    ],
)
def test_slugs_come_from_titles(title: str, slug: str) -> None:
    bring(one(title=title))
    assert Prompt.objects.get().slug == slug


@pytest.mark.parametrize("title", ["Недвижимость", "提示词", "🎭🎭"])
def test_a_title_without_latin_letters_still_gets_an_address(title: str) -> None:
    bring(one(title=title))
    prompt = Prompt.objects.get()
    assert prompt.title == title
    assert prompt.slug.startswith("prompt-")


def test_equal_titles_are_numbered_and_former_addresses_stay_taken() -> None:
    other = PromptFactory(owner=alice(), slug="writer-3")
    FormerSlug.objects.create(owner=alice(), slug="writer-4", prompt=other)
    bring(*(one(f"Text {n}") for n in range(4)))
    slugs = Prompt.objects.exclude(pk=other.pk).order_by("pk").values_list("slug", flat=True)
    assert list(slugs) == ["writer", "writer-2", "writer-5", "writer-6"]


def test_somebody_elses_slugs_do_not_matter() -> None:
    PromptFactory(owner=dana(), slug="writer")
    bring(one())
    assert Prompt.objects.get(owner=alice()).slug == "writer"


def test_a_long_title_is_shortened_kept_in_the_summary_and_named() -> None:
    title = "word " * 40
    report = bring(one(title=title))
    prompt = Prompt.objects.get()
    assert len(prompt.title) <= 120
    assert prompt.title.endswith("word…")
    assert prompt.summary == title.strip()
    assert [(p.what, p.where) for p in report.unsupported] == [
        ("the title beyond 120 characters, kept in the summary", "row 2")
    ]


def test_a_long_summary_is_kept_in_full_in_the_case_study() -> None:
    bring(one(summary="word " * 100))
    prompt = Prompt.objects.get()
    assert len(prompt.summary) <= 300
    assert prompt.situation == "word " * 100


def test_characters_that_hide_in_a_title_are_taken_out() -> None:
    bring(one(title="\u202eevil\u200b\ttitle\x1e "))
    assert Prompt.objects.get().title == "evil title"


@pytest.mark.parametrize(
    ("text", "name"),
    [("Poetry", "poetry"), ("C++", "c++"), ("C++ Code", "c-code"), ("node.js", "node.js"),
     ("a  b_c", "a-b-c"), ("Café", "café"), ("Cafe\u0301", "café"),
     ("हिन्दी", "हिन्दी"), ("..a--b..", "a-b"), ("a/.b", "a-b"), ("日本", "日本"),
     ("نمی\u200cدانم", "نمی\u200cدانم"), ("a\u200bb", "a-b"), ("🦄", ""),
     ("x" * 41, "")],
)  # fmt: skip
def test_tags_are_made_valid(text: str, name: str) -> None:
    assert tag_name(text) == name
    if name:
        Tag(name=name).full_clean()


def test_tags_are_shared_tasks_recognised_and_strange_ones_named() -> None:
    report = bring(
        one("a", tags=("Poetry", "poetry", "🦄"), task="Writing", licence="mit"),
        one("b", tags=("poetry",), task="Juggling", licence="WTFPL"),
    )
    first, second = Prompt.objects.order_by("pk")
    assert [tag.name for tag in first.tags.all()] == ["poetry"]
    assert (first.task, first.licence) == ("writing", "MIT")
    assert (second.task, {tag.name for tag in second.tags.all()}) == ("other", {"poetry", "juggling"})
    assert [p.what for p in report.unsupported] == ["the tag “🦄”", "the licence “WTFPL”"]


# --- all or nothing, and once -----------------------------------------------------------------------------


def test_the_same_file_twice_makes_no_doubles() -> None:
    first, second = (import_prompts(alice(), sample()) for _ in range(2))
    assert len(first.prompts) == len(sample().prompts) == Prompt.objects.count()
    assert second.prompts == ()
    assert [skip.why for skip in second.skipped] == [
        f"It is already there: your prompt “{prompt.title}”." for prompt in first.prompts
    ]


def test_nor_does_it_with_other_choices_or_after_the_prompt_was_changed_here() -> None:
    bring(one("On {topic}."))
    Prompt.objects.update(title="Renamed")
    report = bring(one("On {topic}."), options=ImportOptions(frozenset()))
    assert report.prompts == ()


def test_a_prompt_written_here_is_known_by_its_title_and_text() -> None:
    prompt = bring(one()).prompts[0]
    Prompt.objects.filter(pk=prompt.pk).update(source_key="")
    assert bring(one()).prompts == ()
    assert len(bring(one(title="Another")).prompts) == 1


def with_cases(*topics: str) -> ImportedPrompt:
    return one("{{topic}}", cases=tuple(CaseContent(f"Case {topic}", {"topic": topic}) for topic in topics))


def test_the_same_text_with_other_cases_is_another_prompt() -> None:
    """``{{question}}`` is the text of many a configuration: its cases must not be taken for there."""
    assert [bring(with_cases(topic)).cases for topic in ("a", "b")] == [1, 1]
    assert bring(with_cases("a", "b"), with_cases("b", "c")).cases == 4
    assert Prompt.objects.count() == 4


def test_a_prompt_written_here_is_known_when_it_has_all_the_cases() -> None:
    prompt = bring(with_cases("a", "b", "c")).prompts[0]
    Prompt.objects.filter(pk=prompt.pk).update(source_key="")
    assert bring(with_cases("c", "a")).prompts == ()
    assert bring(with_cases()).prompts == ()
    assert len(bring(with_cases("c", "d")).prompts) == 1


def test_our_own_markdown_of_a_prompt_is_known_again() -> None:
    prompt = bring(one("# Hello {name}, {{a}}", tags=("x",)), options=ImportOptions(frozenset())).prompts[0]
    version = ImportedVersion(prompt.versions.get().as_engine(), "a note")
    exported = emit(ImportedPrompt(prompt.title, (version,)), remark="Not tested yet.")
    assert import_prompts(alice(), parse("writer.md", exported.encode())).prompts == ()
    theirs = import_prompts(dana(), parse("writer.md", exported.encode())).prompts[0]
    assert theirs.versions.get().digest == prompt.versions.get().digest


def test_another_author_can_import_the_same() -> None:
    bring(one())
    assert len(import_prompts(dana(), Parsed((one(),))).prompts) == 1


def test_the_same_prompt_twice_in_one_file_is_taken_once() -> None:
    report = bring(one(where="line 1"), one(where="line 2"))
    assert len(report.prompts) == 1
    assert [(s.what, s.why) for s in report.skipped] == [
        ("line 2: Writer", "It is the same as number 1 of this file.")
    ]


def test_a_repeat_names_the_entry_it_repeats_however_far_before_it_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(import_, "CHUNK", 2)  # so the first is saved long before the last is looked at
    file = [one("a"), one("b"), one("c"), one("d"), one("b")]
    preview, report = bring(*file, dry_run=True), bring(*file)
    assert [skip.why for skip in preview.skipped] == ["It is the same as number 2 of this file."]
    assert report.skipped == preview.skipped


def test_an_error_on_the_way_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(import_save, "document_of", fail)
    with pytest.raises(RuntimeError):
        bring(one(tags=("poetry",)))
    assert (Prompt.objects.count(), Version.objects.count(), Tag.objects.count()) == (0, 0, 0)


def test_a_dry_run_reports_the_same_and_saves_nothing() -> None:
    dry = bring(one(), dry_run=True).as_json()
    assert Prompt.objects.count() == 0
    assert bring(one()).as_json() == dry


def test_the_report_has_the_shape_it_promises() -> None:
    assert bring(one(tags=("🦄",)), one()).as_json() == {
        "prompts": 1,
        "versions": 1,
        "cases": 0,
        "assertions": 0,
        "results": 0,
        "unsupported": [{"what": "the tag “🦄”", "where": "row 2"}],
        "skipped": [{"what": "row 2: Writer", "why": "It is the same as number 1 of this file."}],
    }


@pytest.mark.parametrize(
    ("imported", "why"),
    [
        (
            one(versions=(ImportedVersion(PromptContent((Message("user", "x"),) * (MOST_MESSAGES + 1))),)),
            "It has 41 messages, and at most 40 can be kept.",
        ),
        (one("x" * 200_001), "One of its messages is longer than 200,000 characters."),
        (
            one(versions=(ImportedVersion(PromptContent((Message("user", "x" * 200_000),) * 6)),)),
            "Its messages are longer than 1,000,000 characters.",
        ),
    ],
)
def test_what_is_too_large_is_skipped_with_the_reason(imported: ImportedPrompt, why: str) -> None:
    assert [skip.why for skip in bring(imported).skipped] == [why]


def test_a_file_of_more_prompts_than_can_be_taken_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_, "MOST_PROMPTS", 1)
    with pytest.raises(TooManyPrompts, match="holds 2 prompts, and at most 1"):
        bring(one("a"), one("b"))


# --- the preview --------------------------------------------------------------------------------------------


def test_the_preview_shows_rows_offers_and_counts_without_saving() -> None:
    shown = preview([Parsed((one("On {topic} and {topic}."), one("Two", tags=("x",), task="code")))], alice())
    assert Prompt.objects.count() == 0
    assert shown.report.new == 2
    first, second = shown.rows
    assert (first.title, first.text, first.variables) == ("Writer", "On {{topic}} and {{topic}}.", ("topic",))
    assert (second.task, second.tags) == ("Code and SQL", ("x",))
    assert [(o.style, o.prompts, o.examples[0].found) for o in shown.offered] == [("braces", 1, "{topic}")]


def test_the_preview_of_a_large_file_shows_its_first_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_, "PREVIEW_ROWS", 2)
    shown = preview([Parsed(tuple(one(f"Text {n}") for n in range(5)))], alice())
    assert len(shown.rows) == 2
    assert shown.report.new == 5


# --- speed --------------------------------------------------------------------------------------------------


def test_queries_hardly_grow_with_the_number_of_prompts(
    count_queries: Callable[[Callable[[], Any]], int],
) -> None:
    def queries_for(count: int, text: str) -> int:
        return count_queries(lambda: bring(*(one(f"{text} {n}", tags=(f"tag-{n}",)) for n in range(count))))

    alice()
    few, many = queries_for(10, "few"), queries_for(100, "many")
    # SQLite takes a limited number of values in one statement, so a hundred rows are a few more of them.
    assert many <= few + (15 if connection.vendor == "sqlite" else 0)
