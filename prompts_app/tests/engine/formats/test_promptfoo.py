"""promptfoo configurations: what is carried, what is named, and what is refused."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prompts_app.engine.formats import (
    FormatError,
    ImportedPrompt,
    Parsed,
    parse,
    parse_files,
    variants_apart,
)
from prompts_app.engine.formats.files import Files, Folder
from prompts_app.engine.formats.promptfoo import assertions as promptfoo_assertions
from prompts_app.engine.formats.promptfoo.providers import model_of, without_credentials
from prompts_app.engine.formats.yaml_ import write_yaml
from prompts_app.engine.types import Assertion, CaseContent

EVERYTHING = Path(__file__).parents[2] / "data" / "promptfoo" / "everything"
NAME = "promptfooconfig.yaml"


def read(config: dict[str, Any], **files: str) -> Parsed:
    """A configuration, with other files under names in which ``__`` stands for a dot."""
    texts = {name.replace("___", "/").replace("__", "."): text.encode() for name, text in files.items()}
    whole = {"prompts": ["Say {{x}}"], "providers": ["openai:gpt-5"], **config}
    return parse_files(Files({NAME: write_yaml(whole).encode(), **texts}), only=NAME)


def one(config: dict[str, Any], **files: str) -> ImportedPrompt:
    (prompt,) = read(config, **files).prompts
    return prompt


def texts(prompt: ImportedPrompt) -> list[str]:
    return [version.prompt.messages[0].content for version in prompt.versions]


def cases(*tests: Any, **more: Any) -> tuple[CaseContent, ...]:
    files = {name: more.pop(name) for name in list(more) if "__" in name}
    return one({"tests": list(tests), **more}, **files).cases


def values(*tests: Any, **more: Any) -> list[str]:
    return [case.variables["x"] for case in cases(*tests, **more)]


def asserted(*items: Any, **test: Any) -> tuple[Assertion, ...]:
    return cases({"vars": {"x": "1"}, "assert": list(items), **test})[0].assertions


def named(parsed: Parsed) -> list[str]:
    return [problem.what for problem in parsed.unsupported]


class TestEverythingAtOnce:
    """The figures are those of promptfoo 0.123.1 for the same folder."""

    @pytest.fixture
    def parsed(self) -> Parsed:
        return parse_files(Folder(EVERYTHING), only=NAME)

    def test_all_prompts_are_versions_in_order(self, parsed: Parsed) -> None:
        (prompt,) = parsed.prompts
        assert [[(m.role, m.content) for m in v.prompt.messages] for v in prompt.versions] == [
            [("user", "First: {{question}}")],
            [("user", "Second: {{ question }}\n  indented")],
            [("user", "Third: {{question}} ({{tone}})")],
            [("system", "Chat."), ("user", "{{question}}")],
            [("system", "In YAML."), ("user", "Q: {{ question }}\n")],
            [("user", "one {{question}}")],
            [("user", "two {{question}}")],
            [("user", "CSV says {{question}}, loud")],
            [
                ("system", 'Be {{ tone | default("kind") }}.'),
                ("user", "{{ question | trim }} from {{ user.name | upper }}, {{ choices[1] }}"),
            ],
        ]
        assert "Prompt “yaml chat”." in prompt.versions[4].note
        assert "Prompt “from csv”." in prompt.versions[7].note
        assert dict(prompt.versions[8].prompt.parameters) == {"temperature": 0.5}

    def test_all_tests_are_cases_in_order(self, parsed: Parsed) -> None:
        (prompt,) = parsed.prompts
        assert [(case.name, case.variables["question"]) for case in prompt.cases] == [
            ("lists multiply: first · calm", "first"),
            ("lists multiply: first · warm", "first"),
            ("lists multiply: second · calm", "second"),
            ("lists multiply: second · warm", "second"),
            ("about rain and rain · rain", "about rain and rain"),
            ("text one · 1950 · true · 2.5", "text one"),
            ("text two · 1950 · true · 2.5", "text two"),
            ('{"a":1,"b":["x","y"]} · [[1,2],[3]]', '{"a":1,"b":["x","y"]}'),
            ("from a file · filed", "from a file"),
            ("in yaml", "yaml q"),
            ("second yaml", "second yaml"),
            ("named row", "row one"),
            ("row, two", "row, two"),
            ("grade: is wet", "row three"),
            ("jsonl one", "jsonl one"),
            ("jsonl two", "jsonl two"),
            ("replies", "hello"),
            ("greetings", "hello"),
            ("replies", "bonjour"),
            ("greetings", "bonjour"),
        ]

    def test_their_assertions_are_those_promptfoo_runs(self, parsed: Parsed) -> None:
        (prompt,) = parsed.prompts
        default = Assertion("not-icontains", "stupid", metric="tone")
        assert prompt.cases[0].assertions == (default,)
        assert prompt.cases[4].assertions == (
            Assertion("word-count", {"max": 500}, weight=2),
            Assertion(
                "assert-set",
                [
                    {"type": "contains", "value": "{{topic}}"},
                    {"type": "javascript", "value": "output.length > 3"},
                ],
                0.5,
                metric="either",
            ),
            Assertion("similar", "rain", 0.7, options={"provider": "openai:gpt-5"}),
            Assertion("is-json", {"type": "object", "required": ["a"]}),
            Assertion("contains", "text one"),
            Assertion("python", "file://check.py"),
        )
        assert prompt.cases[11].assertions == (
            default,
            Assertion("contains", "row", metric="words"),
            Assertion("levenshtein", "row one", 300, metric="words"),
            Assertion("icontains-any", ["a", "ROW"], metric="words"),
        )
        assert prompt.cases[17].assertions == (default, Assertion("equals", {"a": [1, 2]}))

    def test_everything_else_is_named(self, parsed: Parsed) -> None:
        assert set(named(parsed)) >= {
            "the setting “apiKey” of a provider: keys are never kept",
            "the provider “file://providers/own.py”, which is a program or address",
            "the setting “temperature”, which is not the same for all providers",
            "the assertion “javascript” is kept, but not run here: this site has no “javascript”",
            "the assertion “python” is kept, but not run here: this site has no “python”",
            "the metadata “kind” of a test",
            "the option “storeOutputAs” of a test",
            "the setting “tags” (team)",
            "the setting “env” (A)",
            "the setting “nunjucksFilters” (shout)",
            "the setting “evaluateOptions” (maxConcurrency)",
        }
        assert "sk-secret" not in repr(parsed)


class TestPrompts:
    def test_one_prompt_with_a_version_for_each_variant_or_one_prompt_each(self) -> None:
        parsed = read({"prompts": ["A {{x}}", "B {{x}}"], "tests": [{"vars": {"x": "1"}}]})
        assert texts(parsed.prompts[0]) == ["A {{x}}", "B {{x}}"]
        apart = variants_apart(parsed).prompts
        assert [texts(prompt) for prompt in apart] == [["A {{x}}"], ["B {{x}}"]]
        assert [len(prompt.cases) for prompt in apart] == [1, 1]

    def test_the_title_is_the_description_else_the_folder_else_the_text(self) -> None:
        assert one({"description": "My test"}).title == "My test"
        in_folder = parse_files(
            Files({"my-eval/promptfooconfig.yaml": b"prompts: [Hi]\ntests: []\nproviders: [x]"})
        )
        assert in_folder.prompts[0].title == "My eval"
        assert one({}).title == "Say {{x}}"

    @pytest.mark.parametrize(
        ("prompts", "found"),
        [
            ("a.txt", ["one", "two"]),
            (["file://a.txt"], ["one", "two"]),
            ({"a.txt": "label"}, ["one", "two"]),
            (["*.txt"], ["one", "two", "three"]),
            (["What is 5/3?"], ["What is 5/3?"]),
            (["Say a.b"], ["Say a.b"]),
            ([{"raw": "inline", "label": "l"}], ["inline"]),
            ([{"id": "file://b.txt"}], ["three"]),
        ],
    )
    def test_prompts_stand_inline_or_in_files(self, prompts: Any, found: list[str]) -> None:
        assert texts(one({"prompts": prompts}, a__txt="one\n---\n\ntwo\n---\n", b__txt="three")) == found

    def test_a_chat_is_messages_in_json_and_in_yaml(self) -> None:
        chat = '[{"role": "system", "content": "S"}, {"role": "user", "content": "{{x}}"}]'
        yaml = "- role: system\n  content: S\n- role: user\n  content: '{{x}}'\n"
        for prompts, files in (([chat], {}), ([yaml], {}), (["c.json"], {"c__json": chat})):
            messages = one({"prompts": prompts}, **files).versions[0].prompt.messages
            assert [(m.role, m.content) for m in messages] == [("system", "S"), ("user", "{{x}}")]

    def test_dump_in_the_json_of_a_chat_stands_for_the_text(self) -> None:
        chat = '[{"role": "user", "content": {{ x | dump }}}]'
        assert texts(one({"prompts": [chat]})) == ["{{x}}"]

    def test_a_chat_its_template_builds_is_kept_as_text_and_named(self) -> None:
        chat = '[{% for m in _conversation %}{"role": "user", "content": "{{m}}"},{% endfor %}]'
        parsed = read({"prompts": [chat]})
        assert texts(parsed.prompts[0]) == [chat]
        assert "a chat whose JSON its template makes: it is kept as one message" in named(parsed)
        assert "the template tag “for”, kept as text" in named(parsed)

    def test_a_program_that_makes_prompts_is_kept_as_text_and_named(self) -> None:
        parsed = read({"prompts": ["file://p.py:make"]}, p__py="def make(): ...")
        assert texts(parsed.prompts[0]) == ["def make(): ..."]
        assert named(parsed) == ["the program “p.py” that makes a prompt: its text is kept, it is not run"]

    def test_filters_of_nunjucks_are_not_complained_about(self) -> None:
        assert not read({"prompts": ["{{ x | upper }} {{ y[0].a }} {{- z -}}"]}).unsupported

    def test_a_file_that_is_not_there_is_named_and_none_at_all_is_refused(self) -> None:
        parsed = read({"prompts": ["inline", "file://gone.txt"]})
        assert texts(parsed.prompts[0]) == ["inline"]
        assert "the file “gone.txt”, which is not there: bring in the whole folder" in named(parsed)[0]
        with pytest.raises(FormatError, match=r"no prompt in this configuration that can be read\. The file"):
            read({"prompts": ["file://gone.txt"]})

    @pytest.mark.parametrize(
        "path", ["../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "a/../../x.txt"]
    )
    def test_nothing_outside_is_read(self, path: str) -> None:
        assert "not inside the zip or folder" in named(read({"prompts": ["inline", f"file://{path}"]}))[0]

    def test_a_red_team_configuration_without_prompts_asks_each_tests_prompt(self) -> None:
        config = b"targets: [openai:gpt-5]\nredteam: {plugins: [a]}"
        parsed = parse(NAME, config)
        assert texts(parsed.prompts[0]) == ["{{prompt}}"]
        assert "the setting “redteam” (plugins)" in named(parsed)


class TestTests:
    def test_values_become_text_as_javascript_writes_it(self) -> None:
        found = values(*({"vars": {"x": value}} for value in (1950, 1.0, 2.5, True, None, "a\n", {"a": [1]})))
        assert found == ["1950", "1", "2.5", "true", "", "a", '{"a":[1]}']

    def test_lists_multiply_and_can_be_kept_whole(self) -> None:
        assert values({"vars": {"x": ["a", "b"], "y": ["c", "d"]}}) == ["a", "a", "b", "b"]
        assert values({"vars": {"x": [1, 2]}}) == ["[1,2]"]
        whole = {"vars": {"x": ["a", "b"]}, "options": {"disableVarExpansion": True}}
        assert values(whole) == ['["a","b"]']

    def test_too_many_combinations_are_refused(self) -> None:
        many = {name: [str(i) for i in range(100)] for name in "xyz"}
        with pytest.raises(FormatError, match="multiplies into more than 20,000 cases"):
            read({"tests": [{"vars": many}]})

    def test_the_default_test_is_part_of_each(self) -> None:
        default = {"vars": {"x": "usual", "y": "1"}, "assert": [{"type": "is-json"}]}
        found = cases(
            {"vars": {"y": "2"}, "assert": [{"type": "contains", "value": "a"}]},
            {"vars": {"x": "own"}, "options": {"disableDefaultAsserts": True}},
            defaultTest=default,
        )
        assert [dict(case.variables) for case in found] == [{"x": "usual", "y": "2"}, {"x": "own", "y": "1"}]
        assert [[one.type for one in case.assertions] for case in found] == [["is-json", "contains"], []]

    def test_a_default_test_may_stand_in_a_file_and_alone(self) -> None:
        found = one({"defaultTest": "file://d.yaml"}, d__yaml="vars: {x: filed}").cases
        assert [dict(case.variables) for case in found] == [{"x": "filed"}]
        assert one({}).cases == ()

    def test_a_value_may_mention_another(self) -> None:
        assert values({"vars": {"x": "for {{who}}", "who": "{{name}}", "name": "Ada"}}) == ["for Ada"]

    def test_a_missing_value_is_empty_and_named(self) -> None:
        parsed = read({"tests": [{"vars": {"y": "1"}}]})
        assert dict(parsed.prompts[0].cases[0].variables) == {"y": "1", "x": ""}
        assert "no value for “x”: it is empty, as promptfoo takes it" in named(parsed)

    def test_but_not_where_the_prompt_has_a_default_for_it(self) -> None:
        prompt = one({"prompts": ["{{ x | default('y') }}"], "tests": [{"vars": {"z": "1"}}]})
        assert dict(prompt.cases[0].variables) == {"z": "1"}

    def test_parts_become_dotted_names_where_all_are_used_so(self) -> None:
        user = {"name": "Ada", "address": {"city": "London"}}
        config = {
            "prompts": ["{{user.name}} in {{ user.address.city }}"],
            "tests": [{"vars": {"user": user}}],
        }
        assert dict(one(config).cases[0].variables) == {"user.name": "Ada", "user.address.city": "London"}
        config["prompts"] = ["{{user.name}}"]
        assert list(one(config).cases[0].variables) == ["user"]

    @pytest.mark.parametrize(
        ("tests", "files"),
        [
            ("file://t.csv", {"t__csv": "x,__expected\na,contains: b\n"}),
            (["t.csv"], {"t__csv": "x,__expected\na,contains: b\n"}),
            ("file://t.yaml", {"t__yaml": "- vars: {x: a}\n  assert: [{type: contains, value: b}]\n"}),
            (["t/*.yaml"], {"t___1__yaml": "vars: {x: a}\nassert: [{type: contains, value: b}]\n"}),
            ("t.json", {"t__json": '[{"x": "a", "__expected": "contains: b"}]'}),
            ({"path": "t.jsonl"}, {"t__jsonl": '{"x": "a", "__expected": "contains: b"}\n'}),
        ],
    )  # fmt: skip
    def test_tests_stand_in_files_of_many_kinds(self, tests: Any, files: dict[str, str]) -> None:
        (case,) = one({"tests": tests}, **files).cases
        assert (dict(case.variables), case.assertions) == ({"x": "a"}, (Assertion("contains", "b"),))

    @pytest.mark.parametrize(
        "tests",
        ["huggingface://datasets/a", "https://docs.google.com/spreadsheets/d/1", "file://t.py:make", "file://t.xlsx"],
    )  # fmt: skip
    def test_tests_from_elsewhere_and_from_programs_are_named(self, tests: str) -> None:
        parsed = read({"tests": tests}, t__py="x", t__xlsx="x")
        assert parsed.prompts[0].cases == ()
        assert len(parsed.unsupported) == 1

    def test_values_come_from_files_and_patterns(self) -> None:
        found = values(
            {"vars": {"x": "file://v/*.txt"}}, {"vars": {"x": "file://d.yaml"}},
            v___1__txt=" one \n", v___2__txt="two", d__yaml="a: 1",
        )  # fmt: skip
        assert found == ["one", "two", '{"a":1}']

    def test_a_value_from_a_program_or_a_picture_keeps_its_name_and_is_told(self) -> None:
        parsed = read(
            {"tests": [{"vars": {"x": "file://v.py"}}, {"vars": {"x": "file://gone.txt"}}]}, v__py="x"
        )
        assert [case.variables["x"] for case in parsed.prompts[0].cases] == ["file://v.py", "file://gone.txt"]
        assert "the value of “x” from the program “v.py”" in named(parsed)
        assert any("gone.txt" in what for what in named(parsed))

    def test_the_same_thing_at_several_places_is_told_once(self) -> None:
        parsed = read({"tests": [{"vars": {"x": "1"}, "providerOutput": "x"} for _ in range(30)]})
        (problem,) = parsed.unsupported
        assert problem.what == "the providerOutput of a test"
        assert problem.where == "promptfooconfig.yaml, tests[0] and 29 more"


class TestAssertions:
    def test_what_a_test_says_of_its_judge_is_kept_with_what_is_graded(self) -> None:
        found = asserted(
            {"type": "llm-rubric", "value": "kind"},
            {"type": "llm-rubric", "value": "own", "provider": "openai:o"},
            {"type": "contains", "value": "a"},
            options={"provider": "openai:judge", "rubricPrompt": "Grade {{output}}"},
        )
        rubric = {"rubricPrompt": "Grade {{output}}"}
        assert [dict(one.options) for one in found] == [
            {"provider": "openai:judge", **rubric}, {"provider": "openai:o", **rubric}, {},
        ]  # fmt: skip

    def test_what_a_test_does_to_its_output_is_kept_with_all_assertions(self) -> None:
        (one_,) = asserted({"type": "contains", "value": "a"}, options={"transform": "output.trim()"})
        assert dict(one_.options) == {"transform": "output.trim()"}

    def test_keys_of_a_judge_are_left_out_and_named(self) -> None:
        judge = {"id": "openai:o", "config": {"apiKey": "sk-1", "temperature": 0}}
        parsed = read({"tests": [{"vars": {"x": "1"}, "assert": [
            {"type": "llm-rubric", "value": "v", "provider": judge}]}]})  # fmt: skip
        (kept,) = parsed.prompts[0].cases[0].assertions
        assert kept.options["provider"] == {"id": "openai:o", "config": {"temperature": 0}}
        assert "the setting “apiKey” of an assertion: keys are never kept" in named(parsed)

    def test_one_that_cannot_be_used_is_kept_and_told(self) -> None:
        parsed = read({"tests": [{"vars": {"x": "1"}, "assert": [{"type": "regex", "value": "("}]}]})
        assert parsed.prompts[0].cases[0].assertions == (Assertion("regex", "("),)
        assert "the assertion “regex” is kept, but judges nothing: This is not a valid" in named(parsed)[0]

    @pytest.mark.parametrize("item", [{"value": "x"}, {"type": ""}, {"type": 5}, 7, None, True])
    def test_one_without_a_type_is_named(self, item: Any) -> None:
        parsed = read({"tests": [{"vars": {"x": "1"}, "assert": [item]}]})
        assert parsed.prompts[0].cases[0].assertions == ()
        assert named(parsed) == ["an assertion without a type"]

    def test_templates_are_followed_and_may_be_changed_where_they_are_used(self) -> None:
        config = {
            "assertionTemplates": {"t": {"type": "contains", "value": "a"}},
            "tests": [{"vars": {"x": "1"}, "assert": [
                {"$ref": "#/assertionTemplates/t"}, {"$ref": "#/assertionTemplates/t", "value": "b"},
                {"$ref": "other.yaml#/deep/0"},
            ]}],
        }  # fmt: skip
        parsed = read(config, other__yaml="deep: [{type: is-json}]")
        assert [(a.type, a.value) for a in parsed.prompts[0].cases[0].assertions] == [
            ("contains", "a"), ("contains", "b"), ("is-json", None),
        ]  # fmt: skip
        assert not parsed.unsupported

    def test_templates_that_go_in_circles_end(self) -> None:
        config = {"a": {"$ref": "#/b"}, "b": {"$ref": "#/a"}, "tests": [{"vars": {"x": "1"}, "assert": [
            {"$ref": "#/a"}]}]}  # fmt: skip
        assert "an assertion without a type" in named(read(config))

    def test_templates_that_multiply_are_refused(self) -> None:
        levels = {f"l{i}": [{"$ref": f"#/l{i + 1}"}] * 10 for i in range(9)}
        with pytest.raises(FormatError, match="multiply without end"):
            read({**levels, "l9": {"type": "is-json"}, "tests": [{"assert": [{"$ref": "#/l0"}]}]})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("contains: refund", Assertion("contains", "refund")),
        ("not-contains:refund", Assertion("not-contains", "refund")),
        ("icontains-any: a, B ,c", Assertion("icontains-any", ["a", "B", "c"])),
        ("is-json", Assertion("is-json")),
        ('is-json: {"type": "object"}', Assertion("is-json", '{"type": "object"}')),
        ("levenshtein(5): text", Assertion("levenshtein", "text", 5)),
        ("similar(0.9):x", Assertion("similar", "x", 0.9)),
        ("similar: x", Assertion("similar", "x", 0.8)),
        ("rouge-n: x", Assertion("rouge-n", "x", 0.75)),
        ("latency(2000)", Assertion("latency", threshold=2000)),
        ("cost: 0.01", Assertion("cost", threshold=0.01)),
        ("starts-with: Dear", Assertion("starts-with", "Dear")),
        ("javascript: output.length > 3", Assertion("javascript", "output.length > 3")),
        ("fn: x", Assertion("javascript", "x")),
        ("eval: x", Assertion("javascript", "x")),
        ("python: x", Assertion("python", "x")),
        ("file://check.py", Assertion("python", "file://check.py")),
        ("file://check.js:name", Assertion("javascript", "file://check.js:name")),
        ("grade: is kind", Assertion("llm-rubric", "is kind")),
        ("llm-rubric:is kind", Assertion("llm-rubric", "is kind")),
        ("Paris", Assertion("equals", "Paris")),
        ("note: no kind", Assertion("equals", "note: no kind")),
        ("contain: typo", Assertion("equals", "contain: typo")),
    ],
)
def test_the_short_form_is_read_as_promptfoo_reads_it(text: str, found: Assertion) -> None:
    (case,) = cases("t.csv", t__csv=f'x,__expected\na,"{text.replace(chr(34), chr(34) * 2)}"\n')
    assert case.assertions == (found,)


def test_columns_of_a_table_are_taken_apart() -> None:
    parsed = read(
        {"tests": "t.csv"},
        t__csv=(
            "x,__expected1,__expected2,__description,__metric,__threshold,__prefix,__metadata:kind,"
            "__metadata:tags[],__config:__expected1:threshold,__other\n"
            'a,similar: b,is-json,Named,tone,0.5,Please,k,"a,b",0.4,c\n'
        ),
    )
    (case,) = parsed.prompts[0].cases
    assert (case.name, case.threshold) == ("Named", 0.5)
    assert case.variables == {"x": "a", "prompt_prefix": "Please"}
    assert case.assertions == (
        Assertion("similar", "b", 0.4, metric="tone"), Assertion("is-json", metric="tone"),
    )  # fmt: skip
    assert set(named(parsed)) == {
        "the metadata “kind” of a test", "the metadata “tags” of a test", "the column “__other”",
    }  # fmt: skip
    assert parsed.unsupported[0].where == "t.csv, row 1"


@pytest.mark.parametrize("row", ['a,"b', "a,b,c", 'a,"b"c,d'])
def test_a_broken_table_is_refused_with_its_row(row: str) -> None:
    with suppress(FormatError):
        read({"tests": "t.csv"}, t__csv=f"x,y\n{row}\n")
    with pytest.raises(FormatError, match=r"t\.csv, row 1: it has 3 fields"):
        read({"tests": "t.csv"}, t__csv="x,y\na,b,c\n")


class TestProviders:
    @pytest.mark.parametrize(
        ("id_", "model"),
        [
            ("openai:gpt-5", "gpt-5"),
            ("openai:chat:gpt-5", "gpt-5"),
            ("anthropic:messages:claude-sonnet-4-5", "claude-sonnet-4-5"),
            ("openrouter:meta-llama/llama-3.1-8b", "meta-llama/llama-3.1-8b"),
            ("bedrock:us.anthropic.claude-3-5:0", "us.anthropic.claude-3-5:0"),
            ("ollama:chat:llama3:8b", "llama3:8b"),
            ("google:live:gemini-2", "gemini-2"),
            ("openai:chat", "chat"),
            ("echo", "echo"),
            ("python:provider.py", "python:provider.py"),
            ("https://user:pw@host.example/v1?key=1", "https://host.example/v1"),
        ],
    )
    def test_the_models_name_is_what_is_shown(self, id_: str, model: str) -> None:
        assert model_of(id_) == model

    def test_settings_all_share_are_the_prompts_and_others_are_named(self) -> None:
        parsed = read(
            {
                "providers": [
                    {"id": "openai:a", "config": {"temperature": 0, "max_tokens": 5, "organization": "o"}},
                    {"id": "openai:b", "config": {"temperature": 0}},
                ]
            }
        )
        assert dict(parsed.prompts[0].versions[0].prompt.parameters) == {"temperature": 0}
        assert set(named(parsed)) == {
            "the setting “organization” of a provider",
            "the setting “max_tokens”, which is not the same for all providers",
        }
        assert parsed.prompts[0].written_for == "a, b"

    def test_providers_may_stand_in_a_file(self) -> None:
        prompt = one({"providers": "file://p.yaml"}, p__yaml="- openai:a\n- {id: openai:b, label: B}\n")
        assert prompt.written_for == "a, b"

    def test_a_password_in_an_address_is_not_kept(self) -> None:
        parsed = read({"providers": ["https://me:secret@host.example/x?token=t"]})
        assert "secret" not in repr(parsed)
        assert without_credentials("https://me:s@h/x?t=1") == "https://h/x"


class TestRecognising:
    @pytest.mark.parametrize("name", ["promptfooconfig.yaml", "any.yml", "any.json", ""])
    def test_a_configuration_is_known_by_what_is_in_it(self, name: str) -> None:
        text = '{"prompts": ["Hi {{x}}"], "tests": []}'
        assert parse(name, text.encode()).format == "promptfoo"

    def test_broken_yaml_under_its_name_is_told_with_the_line(self) -> None:
        with pytest.raises(FormatError, match="not valid YAML: line 3"):
            parse(NAME, b"prompts:\n  - 'a\n")

    def test_other_yaml_is_none(self) -> None:
        with pytest.raises(FormatError, match="none of the kinds"):
            parse("a.yaml", b"a: 1")


KEYS = """vars assert type value threshold weight options provider id config tests description raw label role
    content $ref x path metadata proofsheet transform metric prompts""".split()
LEAVES = st.sampled_from(["file://x", "*", "{{x}}"]) | st.text(max_size=8) | st.integers(-5, 10**20)
JSON = st.recursive(
    st.none() | st.booleans() | LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=25,
)


@settings(max_examples=200)
@given(JSON, JSON, JSON, JSON, JSON)
def test_whatever_stands_where_is_read_or_refused_in_words(
    prompts: Any, providers: Any, tests: Any, default: Any, scenarios: Any
) -> None:
    config = {
        "prompts": prompts, "providers": providers, "tests": tests, "defaultTest": default,
        "scenarios": scenarios, "metadata": default,
    }  # fmt: skip
    try:
        parsed = parse_files(Files({NAME: write_yaml(config).encode(), "x": b"text"}), only=NAME)
    except FormatError as error:
        assert str(error)  # noqa: PT017 both outcomes are fine
    else:
        assert parsed.prompts


@given(st.text(max_size=30))
def test_no_short_form_is_lost(text: str) -> None:
    found = promptfoo_assertions.from_short(text)
    assert found["type"]
    if found["type"] == "equals":
        assert found.get("value", "") in {text.strip(), text.strip().removeprefix("equals:").strip(), ""}
