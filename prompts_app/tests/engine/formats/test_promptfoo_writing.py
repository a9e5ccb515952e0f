"""promptfoo configurations, written: promptfoo can use them, and nothing is lost on the way back."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from prompts_app.engine.assertions.sets import value_of
from prompts_app.engine.formats import ImportedPrompt, ImportedVersion, parse
from prompts_app.engine.formats.promptfoo.assertions import KINDS
from prompts_app.engine.formats.promptfoo.writing import raw_of, write_config
from prompts_app.engine.formats.yaml_ import read_yaml
from prompts_app.engine.render import find_variables
from prompts_app.engine.types import ROLES, Assertion, CaseContent, Message, PromptContent, Variable

# What no database and no file can hold is refused on the way in.
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0\r")
PIECES = st.sampled_from(
    ["{{x}}", "{{ user.name | upper }}", "{{ list[0] }}", "{% if x %}", "\n", "---", "file://a.txt", "a/b",
     "*", '[{"role": "user", "content": "x"}]', "- role: user", "é", "'", '"', ": ", "# ", "yes",
     "2024-01-01", "1e3"]
)  # fmt: skip
TEXT = st.lists(PIECES | st.text(CHARACTERS, max_size=6), min_size=1, max_size=4).map("".join)
FULL = TEXT.filter(lambda text: bool(text.strip()))
NAMES = st.sampled_from(["x", "user.name", "list", "user", "größe", "a.b.c", "_conversation"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9**9) | st.floats(-5, 5) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
OTHERS = ["not-contains", "select-best", "tokens-used", "human", "closedqa", "our-own-kind"]
TYPES = st.sampled_from([*sorted(KINDS), *OTHERS])
ASSERTIONS = st.builds(
    Assertion,
    type=TYPES,
    value=JSON,
    threshold=st.none() | st.floats(0, 1000),
    weight=st.sampled_from([1.0, 0.0, 2.5]),
    metric=st.sampled_from(["", "tone"]),
    options=st.dictionaries(st.sampled_from(["provider", "transform", "config"]), FULL, max_size=2),
)
SETS = st.builds(
    lambda members, threshold, weight: Assertion("assert-set", value_of(members), threshold, weight),
    st.lists(ASSERTIONS, min_size=1, max_size=3),
    st.none() | st.floats(0, 1),
    st.sampled_from([1.0, 0.0, 2.5]),
)
CASES = st.builds(
    CaseContent,
    name=TEXT,
    variables=st.dictionaries(NAMES, TEXT, max_size=4),
    turns=st.lists(FULL, max_size=2).map(tuple),
    assertions=st.lists(ASSERTIONS | SETS, max_size=3).map(tuple),
    threshold=st.none() | st.floats(0, 1),
    system=st.sampled_from(["", "Another system."]),
)
MESSAGES = st.lists(st.builds(Message, st.sampled_from(ROLES), FULL), min_size=1, max_size=3).map(tuple)
VERSIONS = st.builds(
    ImportedVersion,
    st.builds(
        PromptContent,
        MESSAGES,
        st.lists(st.builds(Variable, NAMES, TEXT, TEXT), max_size=2, unique_by=lambda v: v.name).map(tuple),
        st.dictionaries(
            st.sampled_from(["temperature", "max_tokens", "seed"]), st.integers(0, 9), max_size=2
        ),
    ),
    TEXT,
)
PROMPTS = st.builds(
    ImportedPrompt,
    title=FULL,
    versions=st.lists(VERSIONS, min_size=1, max_size=3).map(tuple),
    summary=TEXT,
    task=st.sampled_from(["", "code"]),
    tags=st.lists(st.sampled_from(["a", "b"]), unique=True).map(tuple),
    licence=st.sampled_from(["", "MIT"]),
    written_for=TEXT,
    cases=st.lists(CASES, max_size=3).map(tuple),
)
CARRIED = ("title", "summary", "task", "tags", "licence", "written_for", "versions", "cases")


def read_back(prompt: ImportedPrompt, models: tuple[str, ...] = ()) -> ImportedPrompt:
    (found,) = parse("x.promptfoo.yaml", write_config(prompt, models).encode()).prompts
    return found


def config(prompt: ImportedPrompt, models: tuple[str, ...] = (), remark: str = "") -> dict[str, Any]:
    value: dict[str, Any] = read_yaml(write_config(prompt, models, remark))
    return value


def simple(*versions: str, **fields: Any) -> ImportedPrompt:
    made = tuple(
        ImportedVersion(PromptContent((Message("user", text),))) for text in versions or ("Say {{x}}",)
    )
    return ImportedPrompt(**{"title": "T", "versions": made} | fields)


@settings(max_examples=60)
@given(PROMPTS)
def test_what_is_written_is_read_back_the_same(prompt: ImportedPrompt) -> None:
    found = read_back(prompt, ("m",))
    for part in CARRIED:
        assert getattr(found, part) == getattr(prompt, part), part


@settings(max_examples=60)
@given(PROMPTS)
def test_writing_what_was_read_gives_the_same_text(prompt: ImportedPrompt) -> None:
    assert write_config(read_back(prompt)) == write_config(prompt)


def test_every_version_is_a_prompt_and_every_case_a_test() -> None:
    case = CaseContent("French", {"x": "Bonjour"}, assertions=(Assertion("contains", "jour", weight=2.0),))
    written = config(simple("Say {{x}}", "Do say {{x}}", cases=(case,)), ("gpt-5",))
    assert [prompt["raw"] for prompt in written["prompts"]] == ["Say {{x}}", "Do say {{x}}"]
    assert [prompt["label"] for prompt in written["prompts"]] == ["v1", "v2"]
    assert written["providers"] == ["openai:chat:gpt-5"]
    assert written["tests"] == [
        {"description": "French", "vars": {"x": "Bonjour"},
         "assert": [{"type": "contains", "value": "jour", "weight": 2.0}]}
    ]  # fmt: skip


def test_a_chat_is_json_and_so_is_what_promptfoo_would_take_for_a_file() -> None:
    chat = (Message("system", "S"), Message("user", "{{x}}"))
    assert raw_of(chat).startswith('[\n  {\n    "role": "system"')
    for text in ("prompt.txt", "either/or", "all *", '[{"role": "user", "content": "x"}]', "- role: user"):
        assert raw_of((Message("user", text),)).startswith("[\n  {")
    assert raw_of((Message("user", "Plain {{x}}.\nMore."),)) == "Plain {{x}}.\nMore."


def test_dotted_names_are_parts_and_lists_are_lists_where_they_are_used_so() -> None:
    case = CaseContent(
        "c", {"user.name": "Ada", "list": '["a","b"]', "x": '["text"]', "pet": '{"name":"Rex","age":"3"}'}
    )
    prompt = simple("{{user.name}} {{ list | join }} {{x}} {{pet.name}}", cases=(case,))
    (test,) = config(prompt)["tests"]
    pet = {"name": "Rex", "age": "3"}
    assert test["vars"] == {"user": {"name": "Ada"}, "list": ["a", "b"], "x": '["text"]', "pet": pet}
    assert test["options"] == {"disableVarExpansion": True}
    assert "metadata" not in test


def test_defaults_of_variables_are_the_default_tests() -> None:
    version = ImportedVersion(
        PromptContent((Message("user", "{{x}}"),), (Variable("x", "usual", "what it is"), Variable("y")))
    )
    prompt = simple(versions=(version,), cases=(CaseContent("c", {}),))
    assert config(prompt)["defaultTest"] == {"vars": {"x": "usual"}}
    assert read_back(prompt).versions[0].prompt.variables == version.prompt.variables


def test_what_promptfoo_has_no_word_for_stands_beside() -> None:
    case = CaseContent("c", {"x": "1"}, turns=("And then?",), assertions=(Assertion("our-own-kind", "v"),))
    (test,) = config(simple(cases=(case,)))["tests"]
    assert "assert" not in test
    assert test["metadata"]["proofsheet"]["case"]["turns"] == ["And then?"]


def test_without_a_model_the_file_says_what_to_do() -> None:
    text = write_config(simple(), remark="Not tested yet.\nhttps://site.example/x")
    assert "providers:\n- echo\n" in text
    assert "# Not tested yet. https://site.example/x\n" in text
    assert "# Name the models to test" in text


def test_every_variable_found_is_one_the_tests_can_give() -> None:
    prompt = simple("{{user.name}} {{ list[0] }} {{x}}")
    assert find_variables(prompt.versions[0].prompt.messages) == ("user.name", "list", "x")


def test_what_promptfoo_would_stop_at_stands_beside_the_row_it_still_runs() -> None:
    """Its name for a verdict given by hand is no assertion of it, and tokens-used is ours."""
    members = [Assertion("contains", "a"), Assertion("tokens-used", {"max": 5})]
    case = CaseContent(
        "c",
        assertions=(
            Assertion("human"), Assertion("tokens-used", {"max": 5}), Assertion("closedqa", "Is polite."),
            Assertion("assert-set", value_of(members), 0.5), Assertion("assert-set", value_of(members[1:])),
        ),
        threshold=0.5,
    )  # fmt: skip
    (test,) = config(simple(cases=(case,)))["tests"]
    assert test["threshold"] == 0.5
    assert test["assert"] == [
        {"type": "model-graded-closedqa", "value": "Is polite."},
        {"type": "assert-set", "threshold": 0.5, "assert": [{"type": "contains", "value": "a"}]},
    ]
    assert read_back(simple(cases=(case,))).cases == (case,)
