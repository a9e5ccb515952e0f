"""Search finds by words, ranks by where they stand, and never fails on what is typed."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prompts_app.models import Prompt, Tag
from prompts_app.search import MOST_TERMS, find, reindex, search_terms, storable
from prompts_app.tests.factories import PersonFactory, PromptFactory, VersionFactory

pytestmark = pytest.mark.django_db


def prompt(title: str = "Untitled", body: str = "", tags: tuple[str, ...] = (), **fields: object) -> Prompt:
    made = PromptFactory(title=title, visibility="public", **fields)
    VersionFactory(prompt=made, messages=[{"role": "user", "content": body}])
    made.tags.set([Tag.objects.get_or_create(name=name)[0] for name in tags])
    reindex([made])
    return made


def found(text: str) -> list[str]:
    """The titles in order."""
    hits = find(text)
    assert not hits.more
    prompts = Prompt.objects.public().in_bulk(hits.prompts)
    return [prompts[key].title for key in hits.prompts if key in prompts]


class TestWhatIsFound:
    def test_a_word_of_any_part(self) -> None:
        ada = PersonFactory(username="ada", profile__name="Ada Lovelace")
        prompt(
            "Invoice reader", "Read {{invoice}} into JSON.", ("finance",), summary="Eight fields.", owner=ada
        )
        for word in ("invoice", "json", "finance", "eight", "lovelace", "ada"):
            assert found(word) == ["Invoice reader"], word

    def test_every_word_must_be_there_though_in_different_parts(self) -> None:
        prompt("Invoice reader", "Answer in JSON.")
        prompt("Invoice writer", "Answer in prose.")
        assert found("invoice json") == ["Invoice reader"]

    def test_other_forms_of_an_english_word(self) -> None:
        prompt("Extracts invoices")
        assert found("extracting invoice") == ["Extracts invoices"]

    def test_the_beginning_of_the_last_word(self) -> None:
        prompt("Classification of tickets")
        assert found("tickets classif") == ["Classification of tickets"]

    def test_a_quoted_phrase_only_in_that_order(self) -> None:
        prompt("Support reply")
        prompt("Reply to support")
        assert found('"support reply"') == ["Support reply"]

    def test_words_without_meaning_do_not_narrow(self) -> None:
        prompt("Invoice reader")
        assert found("a reader for the invoice") == ["Invoice reader"]

    def test_accents_of_another_language(self) -> None:
        prompt("Übersetzung für Verträge")
        assert found("übersetzung") == ["Übersetzung für Verträge"]

    def test_the_newest_version_not_an_older_one(self) -> None:
        made = prompt("Poem", "Write about rivers.")
        VersionFactory(
            prompt=made, number=2, messages=[{"role": "user", "content": "Write about mountains."}]
        )
        reindex([made])
        assert found("mountains") == ["Poem"]
        assert found("rivers") == []

    def test_a_change_is_found_and_the_old_text_is_not(self) -> None:
        made = prompt("Old name")
        made.title = "New title"
        made.save()
        reindex([made])
        assert found("title") == ["New title"]
        assert found("name") == []

    def test_a_deleted_prompt_is_gone(self) -> None:
        prompt("Short-lived").delete()
        assert found("lived") == []

    def test_only_what_the_caller_may_see(self) -> None:
        hidden = prompt("Secret invoice")
        Prompt.objects.filter(pk=hidden.pk).update(visibility="private")
        assert found("invoice") == []


class TestScriptsWithoutSpaces:
    @pytest.mark.parametrize(
        ("text", "sought"),
        [
            (
                "明日の天気予報を要約する",
                ["天気", "予報", "気予報", "明日", "要約", "要", "る", "天気予報を要約"],
            ),
            ("翻译助手请把文件翻译成英文", ["文件", "件翻译", "英文", "文", "助手 英文"]),
            ("이메일요약도우미", ["요약", "메일", "우미"]),
            ("GPT翻訳ツール", ["gpt", "翻訳", "ツール", "gpt翻訳", "ﾂｰﾙ"]),
            ("ช่วยแปลภาษาอังกฤษ", ["แปล", "ภาษา", "อังกฤษ"]),
        ],
    )
    def test_any_stretch_of_a_run_is_found(self, text: str, sought: list[str]) -> None:
        prompt("In the text", f"Please: {text}.")
        prompt(text)
        for words in sought:
            assert set(found(words)) == {"In the text", text}, words
            assert found(words)[0] == text, words

    @pytest.mark.parametrize("words", ["気天", "天報", "日天", "天気 雪"])
    def test_letters_that_stand_otherwise_are_not(self, words: str) -> None:
        prompt("明日の天気予報")
        assert found(words) == []


class TestOrder:
    def test_title_before_tags_before_summary_before_author_before_text(self) -> None:
        author = PersonFactory(username="quokka")
        prompt("In the text", "A quokka.", summary="Long enough to be like the others.")
        prompt("By the author", owner=author, summary="Long enough to be like the others.")
        prompt("In the summary", summary="About the quokka, and like the others.")
        prompt("In the tags", tags=("quokka",), summary="Long enough to be like the others.")
        prompt("The quokka", summary="Long enough to be like the others.")
        assert found("quokka") == [
            "The quokka",
            "In the tags",
            "In the summary",
            "By the author",
            "In the text",
        ]

    def test_among_equals_the_better_evidenced_first(self) -> None:
        prompt("Weather report")
        better = prompt("Weather report", summary="Does one thing.")
        Prompt.objects.filter(pk=better.pk).update(evidence_level=2, evidence_low=0.7, evidence_cases=10)
        reindex([better])
        assert find("weather").prompts[0] == better.pk


class TestWhatIsTyped:
    def test_terms_and_phrases(self) -> None:
        assert search_terms('json "two words" -x') == ["json", "two words", "-x"]

    def test_nothing_that_can_be_sought(self) -> None:
        for text in ("", "   ", "\x00", '""', "🙂", "* ( ) : ^ -"):
            assert search_terms(text) == []
            assert found(text) == []

    def test_stop_words_alone_are_sought_after_all(self) -> None:
        assert search_terms("to be or") == ["to", "be", "or"]

    def test_a_very_long_search_is_cut(self) -> None:
        assert len(search_terms("word" * 2500)) == 1
        assert len(search_terms(" ".join(f"w{n}" for n in range(5000)))) == MOST_TERMS

    @pytest.mark.parametrize(
        "text",
        ['"', '"unclosed', "a OR", "NOT a", "NEAR(a b)", "title:a", "a*", "^a", "a AND", "(", "'; --", "\\",
         "a\\b'c", "x:*", "!a", "a & | b", "<->", "a\x00b", "😀 a", "\ud800", "%", "%s", "{x}"],
    )  # fmt: skip
    def test_operators_are_only_text(self, text: str) -> None:
        prompt("Anything")
        found(text)

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.text(max_size=200))
    def test_no_text_at_all_is_an_error(self, text: str) -> None:
        found(text)

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.text(alphabet="\"'*:^()-+~&|!<>\\ ab", max_size=40))
    def test_no_syntax_is_an_error(self, text: str) -> None:
        found(text)

    def test_ten_thousand_characters(self) -> None:
        found("a" * 10_000)
        found("ä🙂\x00 " * 2500)


class TestWhatIsKept:
    def test_a_text_too_long_for_the_index_is_cut(self) -> None:
        prompt("Long", " ".join(f"word{n}" for n in range(200_000)))
        assert found("word7") == ["Long"]

    def test_characters_no_database_holds_are_left_out(self) -> None:
        assert storable("Odd\x00 title \ud800") == "Odd  title "

    def test_many_at_once_take_few_queries(self, django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
        many = PromptFactory.create_batch(30, visibility="public", title="Batch")
        with django_assert_max_num_queries(5):
            reindex(many)
        assert len(found("batch")) == 30
