"""Cases: the list, one case with its checks, many out of a table, and trying an output."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from prompts_app.actions.runs.counting import count_run
from prompts_app.engine.digests import case_json
from prompts_app.models import Case, Prompt, Run
from prompts_app.tests.factories import (
    CaseFactory,
    PromptFactory,
    ResultFactory,
    RunFactory,
    VersionFactory,
)
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, client_of, dana

pytestmark = pytest.mark.django_db

LIST = "/studio/prompts/words/cases/"
NEW = f"{LIST}new/"
TABLE = f"{LIST}table/"


@pytest.fixture
def client() -> Client:
    return client_of(alice())


@pytest.fixture
def prompt() -> Prompt:
    prompt = PromptFactory(owner=alice(), slug="words", title="Words")
    VersionFactory(prompt=prompt)
    return prompt


def form(*checks: tuple[str, str], word: str = "yes", **fields: Any) -> dict[str, Any]:
    """A posted case: a value for {{word}}, and an assertion of each (kind, value)."""
    empty = [""] * len(checks)
    return {
        "name": "A case", "value_name": ["word"], "value": [word],
        "kind": [kind for kind, _ in checks], "expected": [value for _, value in checks],
        "threshold": empty, "weight": empty, "metric": empty, "was": empty, "do": "save", **fields,
    }  # fmt: skip


def url_of(case: Case, name: str = "studio_case") -> str:
    return reverse(name, args=["words", case.public_id])


class TestList:
    def test_an_empty_one_says_where_to_begin(self, client: Client, prompt: Prompt) -> None:
        assert "Start with the input you would show somebody" in read_page(client.get(LIST))

    def test_each_case_has_its_state_in_the_latest_run(self, client: Client, prompt: Prompt) -> None:
        cases = [CaseFactory(prompt=prompt, name=name, position=n) for n, name in enumerate("ABC")]
        suite = [case_json(case.as_engine()) for case in cases[:2]]
        run = RunFactory(version=prompt.versions.get(), suite=suite)
        ResultFactory(run=run, case_index=0, passed=True)
        ResultFactory(run=run, case_index=1, passed=False)
        count_run(run)
        Case.objects.filter(name="A").update(variables={"word": "other"})
        rows = client.get(LIST).context["rows"]
        assert [(row.case.name, row.word) for row in rows] == [
            ("A", "changed since"), ("B", "failed"), ("C", "not run"),
        ]  # fmt: skip

    def test_moving_up_and_down(self, client: Client, prompt: Prompt) -> None:
        cases = [CaseFactory(prompt=prompt, name=name, position=n) for n, name in enumerate("ABC")]
        answer = client.post(url_of(cases[2], "studio_case_move"), {"step": "up"})
        assert answer["Location"] == f"{LIST}?page=1#case-{cases[2].public_id}"
        client.post(url_of(cases[0], "studio_case_move"), {"step": "down"})
        client.post(url_of(cases[2], "studio_case_move"), {"step": "up"})
        assert [case.name for case in prompt.cases.in_order()] == ["C", "A", "B"]

    def test_a_copy_stands_at_the_end(self, client: Client, prompt: Prompt) -> None:
        case = CaseFactory(prompt=prompt, name="A" * 120, position=0)
        CaseFactory(prompt=prompt, name="B", position=1)
        client.post(url_of(case, "studio_case_copy"))
        copy = prompt.cases.in_order().last()
        assert copy is not None
        assert copy.name.endswith("(copy)")
        assert (copy.variables, copy.assertions) == (case.variables, case.assertions)

    def test_deleting_asks_first(self, client: Client, prompt: Prompt) -> None:
        case = CaseFactory(prompt=prompt)
        assert "Delete this case?" in read_page(client.get(url_of(case, "studio_case_delete")))
        assert Case.objects.exists()
        client.post(url_of(case, "studio_case_delete"))
        assert not Case.objects.exists()

    def test_fifty_a_page_with_constant_queries(
        self, client: Client, prompt: Prompt, count_queries: Callable[[Callable[[], Any]], int]
    ) -> None:
        CaseFactory.create_batch(10, prompt=prompt)
        client.get(LIST)
        ten = count_queries(lambda: client.get(LIST))
        CaseFactory.create_batch(41, prompt=prompt)
        assert count_queries(lambda: client.get(LIST)) == ten
        assert len(client.get(LIST).context["rows"]) == 50


class TestSaving:
    def test_a_new_case_with_everything(self, client: Client, prompt: Prompt) -> None:
        posted = form(("contains", "yes"), ("contains-any", "a\nb"), ("latency", "2000"), ("is-json", ""))
        answer = client.post(NEW, posted | {"turn": ["And now?"], "opposite": "1"})
        case = Case.objects.get()
        assert answer["Location"] == f"{LIST}?page=1#case-{case.public_id}"
        assert case.variables == {"word": "yes"}
        assert case.turns == ["And now?"]
        assert case.assertions == [
            {"type": "not-contains", "value": "yes"}, {"type": "contains-any", "value": ["a", "b"]},
            {"type": "latency", "threshold": 2000}, {"type": "is-json"},
        ]  # fmt: skip

    def test_it_makes_another_suite(self, client: Client, prompt: Prompt) -> None:
        client.post(NEW, form())
        client.post(url_of(Case.objects.get()), form(word="no", revision="1"))
        prompt.refresh_from_db()
        assert prompt.suite_revision == 3

    def test_saving_it_unchanged_leaves_the_suite_alone(self, client: Client, prompt: Prompt) -> None:
        client.post(NEW, form(("contains", "yes")))
        client.post(url_of(Case.objects.get()), form(("contains", "yes"), revision="1"))
        prompt.refresh_from_db()
        assert prompt.suite_revision == 2

    def test_without_a_name_it_gets_a_number(self, client: Client, prompt: Prompt) -> None:
        client.post(NEW, form(name=""))
        assert Case.objects.get().name == "Case 1"

    def test_an_empty_value_stands_for_the_default_where_there_is_one(
        self, client: Client, prompt: Prompt
    ) -> None:
        named = [
            {"name": "word", "default": "x", "description": ""},
            {"name": "b", "default": "", "description": ""},
        ]
        VersionFactory(prompt=prompt, number=2, variables=named)
        client.post(NEW, form() | {"value_name": ["word", "b"], "value": ["", ""]})
        assert Case.objects.get().variables == {"b": ""}

    def test_values_of_variables_that_are_gone_stay_until_emptied(
        self, client: Client, prompt: Prompt
    ) -> None:
        case = CaseFactory(prompt=prompt, variables={"word": "a", "old": "kept"})
        page = read_page(client.get(url_of(case)))
        assert "not in v1" in page
        client.post(url_of(case), form() | {"value_name": ["word", "old"], "value": ["a", "kept"]})
        case.refresh_from_db()
        assert case.variables == {"word": "a", "old": "kept"}

    def test_a_weight_a_label_and_a_foreign_value_come_back_exactly(
        self, client: Client, prompt: Prompt
    ) -> None:
        assertions = [
            {"type": "equals", "value": {"a": 1}, "weight": 0.5, "metric": "Form"},
            {"type": "levenshtein", "value": "x", "threshold": 3},
            {"type": "javascript", "value": "true"},
        ]
        case = CaseFactory(prompt=prompt, assertions=assertions)
        rows = client.get(url_of(case)).context["form"].assertions
        columns = ("kind", "threshold", "weight", "metric", "was")
        posted = {name: [getattr(row, name) for row in rows] for name in columns}
        client.post(url_of(case), form() | posted | {"expected": [row.value for row in rows], "name": "New"})
        case.refresh_from_db()
        assert case.name == "New"
        assert case.assertions == assertions

    def test_what_a_row_has_no_field_for_stays_when_the_rest_is_changed(
        self, client: Client, prompt: Prompt
    ) -> None:
        elsewhere = {"provider": "openai:gpt-5", "transform": "clean(output)"}
        assertions = [
            {"type": "llm-rubric", "value": "Is polite.", "options": elsewhere},
            {"type": "javascript", "value": "true", "options": {"config": {"a": 1}}},
        ]
        case = CaseFactory(prompt=prompt, assertions=assertions)
        page = client.get(url_of(case))
        rows = page.context["form"].assertions
        assert "Kept with it, as it came: provider." in read_page(page)
        posted = {
            name: [getattr(row, name) for row in rows] for name in ("kind", "threshold", "metric", "was")
        }
        changed = {"expected": ["Is kind.", "false"], "weight": ["2", "3"], "opposite": ["1"]}
        client.post(url_of(case), form() | posted | changed)
        case.refresh_from_db()
        assert case.assertions == [
            {"type": "not-llm-rubric", "value": "Is kind.", "weight": 2, "options": elsewhere},
            {"type": "javascript", "value": "false", "weight": 3, "options": {"config": {"a": 1}}},
        ]

    def test_of_another_kind_they_go_and_what_the_output_goes_through_stays(
        self, client: Client, prompt: Prompt
    ) -> None:
        options = {"provider": "openai:gpt-5", "transform": "output.trim()"}
        case = CaseFactory(
            prompt=prompt, assertions=[{"type": "llm-rubric", "value": "a", "options": options}]
        )
        (row,) = client.get(url_of(case)).context["form"].assertions
        client.post(url_of(case), form(("contains", "a")) | {"was": [row.was], "transform": [row.transform]})
        case.refresh_from_db()
        assert case.assertions == [
            {"type": "contains", "value": "a", "options": {"transform": "output.trim()"}}
        ]

    @pytest.mark.parametrize(
        ("typed", "options"), [("", {}), (" output.trim() ", {"transform": "output.trim()"})]
    )
    def test_what_the_output_goes_through_first_can_be_typed_and_taken_away(
        self, client: Client, prompt: Prompt, typed: str, options: dict[str, str]
    ) -> None:
        before = {"type": "contains", "value": "a", "options": {"transform": "output.length"}}
        case = CaseFactory(prompt=prompt, assertions=[before])
        posted = form(("contains", "a")) | {"was": [json.dumps(before)], "transform": [typed]}
        client.post(url_of(case), posted)
        case.refresh_from_db()
        assert case.assertions[0].get("options", {}) == options

    def test_save_and_write_another(self, client: Client, prompt: Prompt) -> None:
        assert client.post(NEW, form(do="save-another"))["Location"] == NEW

    def test_a_second_tab_is_told_and_may_save_anyway(self, client: Client, prompt: Prompt) -> None:
        case = CaseFactory(prompt=prompt)
        client.post(url_of(case), form(word="first tab", revision="1"))
        told = read_page(client.post(url_of(case), form(word="second tab", revision="1")))
        assert "This case was saved meanwhile" in told
        assert "second tab</textarea>" in told
        assert "<dd>first tab</dd>" in told
        client.post(url_of(case), form(word="second tab", revision="1", do="save-anyway"))
        case.refresh_from_db()
        assert case.variables == {"word": "second tab"}


class TestWrongInput:
    @pytest.mark.parametrize(
        ("posted", "sentence"),
        [
            (form(name="a\u202eb"), "invisible character"),
            (form(name="x" * 121), "At most 120 characters"),
            (form(word="a\x00b"), "NUL character"),
            (form(word="x" * 1_000_000), "has 1,000,000 characters; the most is 100,000"),
            (form(("contains", "")), "Assertion 1"),
            (form(("regex", "(")), "Assertion 1"),
            (form(("latency", "soon")), "“soon” is not a number"),
            (form(("is-json", '{"type": 5}')), "Assertion 1"),
            (form(("contains", "a\x00b")), "NUL character"),
            (form(("is-json", '{"const": "\\u0000"}')), "cannot be stored"),
            (form(("word-count", "some")), "Enter a number or a range"),
            (form(("javascript", "1")), "This kind is not run here"),
            (form(("contains", "a")) | {"weight": ["heavy"]}, "The weight is a number"),
            (
                form(("contains", "a")) | {"transform": ["fetch(output)"]},
                "no expression that can be evaluated",
            ),
            (form(("contains", "a")) | {"transform": ["a\x00b"]}, "NUL character"),
            (form(("contains", "a")) | {"weight": ["-1"]}, "The weight is a number"),
            (form(("contains", "a")) | {"weight": ["nan"]}, "The weight is a number"),
            (form(turn=[" "]), "This turn is empty"),
            (form(turn=["x"] * 21), "at most 20 further turns"),
            (form(*[("contains", "a")] * 51), "50 assertions"),
        ],
    )
    def test_is_told_beside_the_field_and_kept(
        self, client: Client, prompt: Prompt, posted: dict[str, Any], sentence: str
    ) -> None:
        answer = client.post(NEW, posted)
        assert answer.status_code == 200
        assert sentence in read_page(answer)
        assert 'id="form-errors"' in read_page(answer)
        assert not Case.objects.exists()

    def test_right_to_left_and_zero_width_values_are_allowed(self, client: Client, prompt: Prompt) -> None:
        client.post(NEW, form(word="\u202eابج\u200b"))
        assert Case.objects.get().variables == {"word": "\u202eابج\u200b"}

    def test_one_case_too_many(self, client: Client, prompt: Prompt) -> None:
        Case.objects.bulk_create(Case(prompt=prompt, name="x", position=n) for n in range(1000))
        page = read_page(client.post(NEW, form(word="typed")))
        assert "A prompt has at most 1,000 cases" in page
        assert "typed</textarea>" in page


class TestRows:
    @pytest.mark.parametrize("htmx", [True, False])
    def test_assertions_are_added_moved_and_removed(self, client: Client, prompt: Prompt, htmx: bool) -> None:
        headers = {"HX-Request": "true"} if htmx else {}
        checks = [("contains", "a"), ("contains", "b"), ("contains", "c")]
        left = {"add:assertion": "abc", "remove:assertion:2": "ac", "up:assertion:3": "acb"}
        for do, values in left.items():
            answer = client.post(NEW, form(*checks, do=do), headers=headers)
            assert "".join(row.value for row in answer.context["form"].assertions) == values
        assert not Case.objects.exists()

    def test_must_not_stays_with_its_row(self, client: Client, prompt: Prompt) -> None:
        posted = form(("contains", "a"), ("contains", "b"), do="up:assertion:2", opposite="2")
        rows = client.post(NEW, posted).context["form"].assertions
        assert [(row.value, row.is_opposite) for row in rows] == [("b", True), ("a", False)]

    def test_turns_too(self, client: Client, prompt: Prompt) -> None:
        answer = client.post(NEW, form(turn=["a"], do="add:turn"))
        assert [row.text for row in answer.context["form"].turns] == ["a", ""]

    def test_another_kind_shows_its_sentence_and_its_field(self, client: Client, prompt: Prompt) -> None:
        page = read_page(
            client.post(NEW, form(("word-count", ""), do="kind"), headers={"HX-Request": "true"})
        )
        assert "The output has this many words" in page
        assert 'placeholder="10-50"' in page


class TestTrial:
    def test_a_pasted_output_is_judged_and_nothing_is_saved(self, client: Client, prompt: Prompt) -> None:
        posted = form(("contains", "{{word}}"), ("contains", "no"), ("regex", "("), do="try")
        page = read_page(client.post(NEW, posted | {"try_output": "yes, it is"}))
        assert "<b>1 of 2</b> assertions hold" in page
        assert "cannot be used yet" in page
        assert not Case.objects.exists()

    def test_it_is_held_to_the_schema_that_is_asked_for(self, client: Client, prompt: Prompt) -> None:
        schema = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
        VersionFactory(prompt=prompt, number=2, parameters={"response_format": schema})
        page = read_page(client.post(NEW, form(("contains", "yes"), do="try", try_output="yes")))
        assert "<b>1 of 2</b> assertions hold" in page
        assert "<b>fits the schema</b> <span>Is not valid JSON" in page

    def test_a_limit_cannot_be_told_from_text(self, client: Client, prompt: Prompt) -> None:
        posted = form(("latency", "2000"), do="try", try_output="x")
        assert "<b>Not judged</b>" in read_page(client.post(NEW, posted))


class TestDrafts:
    def test_typing_on_a_case_is_kept(self, client: Client, prompt: Prompt) -> None:
        case = CaseFactory(prompt=prompt)
        page = f"case-{case.public_id}"
        client.post("/studio/prompts/words/draft/", form(word="half a val", page=page))
        assert "half a val</textarea>" in read_page(client.get(url_of(case)))
        assert "half a val" not in read_page(client.get(NEW))
        client.post(url_of(case), {"do": "discard"})
        assert "half a val" not in read_page(client.get(url_of(case)))

    def test_a_lost_session_loses_nothing(self, prompt: Prompt) -> None:
        client = client_of(None)
        client.post(NEW, form(("contains", "kept check"), word="kept value"))
        client.force_login(alice(), backend="django.contrib.auth.backends.ModelBackend")
        page = read_page(client.get(NEW))
        assert "kept value</textarea>" in page
        assert "kept check</textarea>" in page


class TestTable:
    """First what each column becomes, then the cases; nothing is stored before."""

    CONSOLE = '{{word}},Ideal output,Model response\n"Yes, please",yes,Yes!\nNever,no,No.'

    def add(self, client: Client, table: str, *becomes: str, **more: str) -> str:
        chosen = {f"as-{place}": one for place, one in enumerate(becomes)}
        columns = str(len(becomes))
        sent = {"csv": table, "do": "add", "columns": columns} | chosen | more
        return read_page(client.post(TABLE, sent, follow=True))

    def test_it_is_looked_at_first(self, client: Client, prompt: Prompt) -> None:
        page = read_page(client.post(TABLE, {"csv": self.CONSOLE, "do": "look"}))
        assert "2 rows; nothing is stored yet" in page
        assert '<option value="variable:word" selected>' in page
        assert '<option value="equals" selected>' in page
        assert '<option value="" selected>nothing, leave it out</option>' in page
        assert "Add 2 cases" in page
        assert not Case.objects.exists()

    def test_add_pressed_before_anything_was_chosen_only_looks(self, client: Client, prompt: Prompt) -> None:
        assert "Add 2 cases" in read_page(client.post(TABLE, {"csv": self.CONSOLE, "do": "add"}))
        assert not Case.objects.exists()

    def test_a_file_is_shown_to_be_sent_with_the_choices(self, client: Client, prompt: Prompt) -> None:
        file = SimpleUploadedFile("console.csv", self.CONSOLE.encode())
        page = read_page(client.post(TABLE, {"file": file, "do": "look"}))
        assert "Yes, please&quot;,yes,Yes!" in page

    def test_rows_become_cases_as_chosen(self, client: Client, prompt: Prompt) -> None:
        page = self.add(client, self.CONSOLE, "variable:word", "contains", "")
        assert "2 cases are added." in page
        assert "Left out: Model response." in page
        first, second = prompt.cases.in_order()
        assert (first.name, first.variables) == ("Row 1", {"word": "Yes, please"})
        assert second.assertions == [{"type": "contains", "value": "no"}]

    def test_outputs_are_kept_as_pasted(self, client: Client, prompt: Prompt) -> None:
        page = self.add(client, self.CONSOLE, "variable:word", "contains", "output", model="gpt-4.1-mini")
        assert "2 outputs are kept as pasted." in page
        run = Run.objects.get()
        assert (run.source, run.model, run.level) == ("pasted", "gpt-4.1-mini", 0)
        assert [result.output for result in run.results.all()] == ["Yes!", "No."]

    def test_outputs_are_looked_at_for_secrets_where_others_would_read_them(
        self, client: Client, prompt: Prompt
    ) -> None:
        Prompt.objects.update(visibility="public")
        table = "word,reply\nyes,Ring +49 30 901820"
        page = self.add(client, table, "variable:word", "output", model="gpt-4.1-mini")
        assert "phone number" in page
        assert "Ring +49 30 901820" in page  # what was typed stays
        assert not Case.objects.exists()

    def test_outputs_want_their_model(self, client: Client, prompt: Prompt) -> None:
        page = self.add(client, self.CONSOLE, "variable:word", "equals", "output")
        assert "Name the model that answered" in page
        assert not Case.objects.exists()

    def test_promptfoos_own_columns(self, client: Client, prompt: Prompt) -> None:
        table = 'name,word,__expected\nFirst,yes,contains:yes\n,"no, never",No'
        assert "2 cases are added." in self.add(client, table, "name", "variable:word", "short")
        first, second = prompt.cases.in_order()
        assert (first.name, first.assertions) == ("First", [{"type": "contains", "value": "yes"}])
        assert (second.name, second.variables) == ("Row 2", {"word": "no, never"})
        assert second.assertions == [{"type": "equals", "value": "No"}]

    def test_what_is_not_run_here_and_unknown_columns_are_told(self, client: Client, prompt: Prompt) -> None:
        table = "word,wrod,__expected\na,b,python: check(output)"
        page = self.add(client, table, "variable:word", "variable:wrod", "short")
        assert "is called wrod" in page
        assert "python (line 2)" in page

    def test_rows_without_a_value_are_named(self, client: Client, prompt: Prompt) -> None:
        table = "word,Ideal output\na,b\n,c\nd,e\n,f"
        page = read_page(client.post(TABLE, {"csv": table}))
        assert "{{word}}: row 2, 4" in page

    def test_a_choice_nobody_offered_is_not_taken(self, client: Client, prompt: Prompt) -> None:
        self.add(client, "word\na", "variable:__class__")
        assert prompt.cases.get().variables == {"word": "a"}

    @pytest.mark.parametrize(
        ("table", "sentence"),
        [
            ("", "Paste the table, or choose a file"),
            ("word", "a line for each case"),
            ("word\n" + "x\n" * 10_000, "it has 0 and these are 10,000"),
            ("word,word\na,b", "Two columns are called “word”"),
            ("word,\na,b", "A column has no name"),
            ("word\na,b", "Line 2 has 2 fields"),
            ('word\n"a', "cannot be read as CSV"),
            ("word\na\x00", "NUL character"),
            ("word,__expected\na,regex:(", "Line 2"),
            ("word\n" + "x" * 100_001, "longer than 100,000 characters"),
            ("word\n" + "x" * 1_000_001, "cannot be read as CSV"),
        ],
    )
    def test_a_wrong_table_changes_nothing_and_stays(
        self, client: Client, prompt: Prompt, table: str, sentence: str
    ) -> None:
        answer = client.post(TABLE, {"csv": table})
        assert answer.status_code == 200
        assert sentence in read_page(answer)
        assert not Case.objects.exists()


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "name",
    ["studio_cases", "studio_case_new", "studio_cases_table", "studio_case", "studio_case_move",
     "studio_case_copy", "studio_case_delete"],
)  # fmt: skip
def test_somebody_elses_cases_do_not_exist(client: Client, name: str, method: str) -> None:
    hers = CaseFactory(prompt=PromptFactory(owner=dana(), slug="hers", visibility="public"))
    one = [hers.public_id] if name.startswith("studio_case_") or name == "studio_case" else []
    one = [] if name == "studio_case_new" else one
    assert getattr(client, method)(reverse(name, args=["hers", *one])).status_code in {404, 405}
    assert Case.objects.count() == 1


def test_a_case_is_not_reached_through_another_prompt(client: Client, prompt: Prompt) -> None:
    other = CaseFactory(prompt=PromptFactory(owner=alice(), slug="other"))
    assert client.get(url_of(other)).status_code == 404


class TestThreshold:
    def test_it_is_kept_and_shown_again(self, client: Client, prompt: Prompt) -> None:
        client.post(NEW, form(("contains", "a"), name="Half", passes_at="0.5"))
        case = Case.objects.get(name="Half")
        assert case.threshold == 0.5
        assert case.as_engine().threshold == 0.5
        assert 'name="passes_at" value="0.5"' in read_page(client.get(url_of(case)))

    @pytest.mark.parametrize("typed", ["2", "-1", "much"])
    def test_one_that_is_no_score_is_told(self, client: Client, prompt: Prompt, typed: str) -> None:
        client.post(NEW, form(("contains", "a"), name="Half", passes_at=typed))
        assert not Case.objects.filter(name="Half").exists()


class TestSet:
    def test_one_is_written_as_a_list(self, client: Client, prompt: Prompt) -> None:
        members = [{"type": "contains", "value": "a"}, {"type": "is-json"}]
        client.post(NEW, form(("assert-set", json.dumps(members)), name="Set"))
        (kept,) = Case.objects.get(name="Set").as_engine().assertions
        assert kept.value == members

    def test_what_is_wrong_with_a_member_is_told(self, client: Client, prompt: Prompt) -> None:
        posted = form(("assert-set", '[{"type": "regex", "value": "("}]'), name="Set")
        assert "Assertion 1 of the set (regex)" in read_page(client.post(NEW, posted))
