"""promptfoo's transforms, the part that is safe: read and evaluated here, never as JavaScript."""

import json
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.assertions import LONGEST_APPLIED, check, not_run
from prompts_app.engine.assertions.stored import check_json
from prompts_app.engine.assertions.transforms import chained, transformed
from prompts_app.engine.errors import CannotTransform, NotReadable
from prompts_app.engine.types import Answer, Assertion

SPACES = "\t\n\v\f\r \u00a0\u1680\u2003\u2028\u202f\u3000\ufeff"

# Every row was compared with what Node 22 makes of it.
AS_IN_JAVASCRIPT = [
    ("output", "  a ", "  a "),
    ("output.trim()", SPACES + "a b" + SPACES, "a b"),
    ("output.trim()", "\x85a\x1c", "\x85a\x1c"),
    ("output.trimStart()", " a ", "a "),
    ("output.trimEnd()", " a ", " a"),
    ("output.toLowerCase()", "ΑΣ İ", "ας i̇"),
    ("output.toUpperCase()", "straße", "STRASSE"),
    ("output.trim().toLowerCase();", " Yes ", "yes"),
    ("output.split('\\n')[0]", "a\nb", "a"),
    ("output.split('\\n').pop()", "a\nb", "b"),
    ("output.split(' ').at(-2)", "a b c", "b"),
    ('output.split("")', "ab", '["a","b"]'),
    ("output.split(',', 2).join(' ')", "a,b,c", "a b"),
    ("output.split(',').slice(1).length", "a,b,c", "2"),
    ("output.length", "a😀", "3"),
    ("output[1]", "abc", "b"),
    ("output.slice(-3, -1)", "abcde", "cd"),
    ("output.slice(2, 1)", "abc", ""),
    ("output.substring(2, 0)", "abc", "ab"),
    ("output.substring(-1)", "abc", "abc"),
    ("output.replace('a', '[$&$$]')", "aba", "[a$]ba"),
    ("output.replaceAll('a', \"$'\")", "aba", "bab"),
    ("output.replaceAll('', '-')", "ab", "-a-b-"),
    ("JSON.parse(output).total", '{"total": 12.0}', "12"),
    ("JSON.parse(output).items[1].name", '{"items": [{}, {"name": "x"}]}', "x"),
    ("JSON.parse(output)['a b']", '{"a b": true}', "true"),
    ("JSON.parse(output)?.a?.[0]", '{"a": [[1, {"b": null}]]}', '[1,{"b":null}]'),
    ("JSON.parse(output.trim())", ' {"b": 1e21, "10": 0.1, "9": "é"}', '{"9":"é","10":0.1,"b":1e+21}'),
    ("JSON.parse(output)", "123456789012345678901", "123456789012345680000"),
    ("JSON.stringify(JSON.parse(output).a)", '{"a": "x"}', '"x"'),
    ("String(JSON.parse(output))", '[1, [null, "a"], {}]', "1,,a,[object Object]"),
    ("(output.trim()).toString()", " a ", "a"),
    ("return output.trim();\n", " a ", "a"),
    ("return JSON.parse(output)\n  .a\n  .trim()\n", '{"a": " b"}', "b"),
    (r"output.replace('\x61\u0062\u{63}\'', `\t`)", "abc'", "\t"),
]


@pytest.mark.parametrize(("expression", "output", "becomes"), AS_IN_JAVASCRIPT)
def test_it_does_what_javascript_does(expression: str, output: str, becomes: str) -> None:
    assert transformed(expression, output) == becomes


def test_a_named_part_of_an_answer_that_is_json_is_found_because_promptfoo_hands_over_objects() -> None:
    assert transformed("output.text", '{"text": "Hi"}') == "Hi"
    with pytest.raises(CannotTransform, match="not JSON"):
        transformed("output.text", "Hi")


def test_half_of_a_character_is_a_replacement_character() -> None:
    assert transformed("output.slice(0, 1)", "😀") == "\ufffd"


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "output()",
        "process.exit()",
        "context.vars.x",
        "output.constructor.constructor('return process')()",
        "output.match(/a/)[0]",
        "output.replace(/a/g, 'b')",
        "output.replace('a', () => 'b')",
        "output.map(x => x)",
        "output + 'a'",
        "output ? 'a' : 'b'",
        "output || ''",
        "output[output]",
        "output.split(output)",
        "output.repeat(1000000)",
        "output.padEnd(9)",
        "output.trim('x')",
        "output.slice('1')",
        "output.slice(1.5)",
        "`${output}`",
        "JSON.parse(output, 'x')",
        "JSON.parse",
        "JSON.rawJSON(output)",
        "return output.trim()",
        "output\n.trim()",
        "output.trim().",
        "output.trim();;",
        "output.trim(); output",
        "'a'.trim()",
        "output['\\ud83d']",
        "output." + "trim()." * 31 + "trim()",
        "(" * 500 + "output" + ")" * 500,
        "file://clean.js",
        "file://clean.py:get",
        "output" + " " * 1000,
    ],
)
def test_anything_else_is_not_evaluated_and_the_assertion_not_run(expression: str) -> None:
    with pytest.raises(NotReadable):
        transformed(expression, "a")
    held = check(Assertion("contains", "a", options={"transform": expression or "x"}), Answer("a"))
    assert held.passed is None
    assert held.reason.startswith("Not run here: its “transform” is a program")


@pytest.mark.parametrize(
    ("expression", "output", "why"),
    [
        ("JSON.parse(output)", "{", "not valid JSON"),
        ("JSON.parse(output)", "[" * 100_000, "too deeply nested"),
        ("JSON.parse(output).a", '{"b": 1}', "leads to nothing"),
        ("JSON.parse(output).a.b", '{"b": 1}', "nothing that could have a “b”"),
        ("JSON.parse(output).a", "null", "nothing that could have"),
        ("JSON.parse(output)", "null", "leads to nothing"),
        ("JSON.parse(output).trim()", "[]", "a list is no text"),
        ("JSON.parse(output).trim()", "5", "a number is no text"),
        ("output.pop()", "a", "a text is no list"),
        ("output.split('')[9]", "a", "leads to nothing"),
        (f"output.replaceAll('', '{'x' * 900}')", "a" * 9000, "more than 2,000,000 characters"),
        (f"output.split('').join('{'x' * 900}')", "a" * 9000, "more than 2,000,000 characters"),
        ("output.replaceAll('a', \"$'\")", "a" * 1_000_000, "more than 2,000,000 characters"),
    ],
)
def test_what_does_not_fit_an_output_is_told(expression: str, output: str, why: str) -> None:
    with pytest.raises(CannotTransform, match=why):
        transformed(expression, output)


def test_an_assertion_looks_at_what_the_output_became_and_says_so() -> None:
    held = check(
        Assertion("equals", "yes", options={"transform": "output.trim().toLowerCase()"}), Answer(" Yes\n")
    )
    assert (held.passed, held.transform, held.applied_to) == (True, "output.trim().toLowerCase()", "yes")
    stored = check_json(held)
    assert (stored["transform"], stored["applied_to"]) == ("output.trim().toLowerCase()", "yes")
    assert "transform" not in check_json(check(Assertion("equals", "yes"), Answer("yes")))


@pytest.mark.parametrize(
    ("type_", "value"), [("contains", "a"), ("not-contains", "a"), ("is-json", None), ("not-is-json", None)]
)
def test_where_it_does_not_fit_neither_a_kind_nor_its_opposite_passes(type_: str, value: str | None) -> None:
    held = check(Assertion(type_, value, options={"transform": "JSON.parse(output).a"}), Answer("no JSON"))
    assert (held.passed, held.score) == (False, 0.0)
    assert held.reason == (
        "The output could not be put through “JSON.parse(output).a”: the output is not valid JSON."
    )


def test_of_a_long_output_the_beginning_is_kept() -> None:
    held = check(Assertion("contains", "a", options={"transform": "output.trim()"}), Answer("a" * 9000))
    assert held.applied_to == "a" * LONGEST_APPLIED + "…"


def test_an_empty_transform_is_none() -> None:
    assert not not_run(Assertion("contains", "a", options={"transform": ""}))
    assert check(Assertion("contains", "a", options={"transform": ""}), Answer("a")).transform == ""


def test_a_tests_transform_that_is_a_program_keeps_the_assertion_from_being_run() -> None:
    options = {"transform": "output.trim()", "postprocess": "fetch(output)"}
    assert "“postprocess” is a program" in not_run(Assertion("contains", "a", options=options))


ON_TEXT = (".trim()", ".toLowerCase()", ".slice(1, -1)", ".replace('a', '\"\\\\')", ".split(',').join('')")
ANY = (*ON_TEXT, ".split('\\n')[0]", ".length", "[0]", "['a b']", ".a", ".at(-1)")


def expressions(steps: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(steps), min_size=1, max_size=4).map(lambda found: "".join(found))


@given(
    expressions(ON_TEXT), st.sampled_from(["output[0]", "JSON.parse(output)"]), expressions(ANY), st.text()
)
def test_two_chained_do_what_both_do_one_after_the_other(
    steps: str, root: str, further: str, output: str
) -> None:
    first, then = f"output{steps}", f"{root}{further}"

    def what_comes(*expressions: str) -> str | None:
        text = output
        try:
            for expression in expressions:
                text = transformed(expression, text)
        except CannotTransform:
            return None
        return text

    assert what_comes(chained(first, then)) == what_comes(first, then)


@pytest.mark.parametrize(
    "expression",
    [
        "JSON.stringify(" * 20 + "output" + ")" * 20,
        "String(" * 9 + "output" + ".split(''))" * 9 + ".split('')" * 4,
    ],
)
def test_no_expression_makes_gigabytes_of_an_output(expression: str) -> None:
    """Each quoting doubles the backslashes that the one before made."""
    started = process_time()
    with pytest.raises(CannotTransform, match="2,000,000 characters"):
        transformed(expression, '"\\' * 50_000)
    assert process_time() - started < 5


def test_an_object_of_many_numbered_names_is_written_in_one_go() -> None:
    started = process_time()
    output = json.dumps({str(number): 0 for number in range(50_000)} | {"a": 0})
    assert transformed("JSON.parse(output)", output).startswith('{"0":0,"1":0,')
    assert process_time() - started < 5


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_whatever_raises_anything_else(expression: str, output: str) -> None:
    try:
        transformed(expression, output)
    except (NotReadable, CannotTransform):
        pass


@given(st.text(alphabet="output.JSON parse()[]'\"`\\trimslc0129-?,;\n", max_size=60), st.text(max_size=20))
def test_nor_does_what_looks_like_an_expression(expression: str, output: str) -> None:
    try:
        transformed(expression, output)
    except (NotReadable, CannotTransform):
        pass
