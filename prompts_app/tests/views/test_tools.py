"""Tools of a version and canned results of a case: typed, judged, kept, and shown to readers."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.test import Client

from prompts_app.engine.types import Json
from prompts_app.models import Case, Prompt, Result, Version, Visibility
from prompts_app.tests.factories import CaseFactory, PromptFactory, VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, client_of
from prompts_app.tests.views.recorded import public_prompt, recorded_run, suite_of

pytestmark = pytest.mark.django_db

NEW = "/studio/prompts/weather/cases/new/"
EDIT = "/studio/prompts/weather/"


def tool(**function: Json) -> dict[str, Json]:
    known = {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "required": ["city"],
            "properties": {
                "city": {"type": "string", "description": "Its English name"},
                "unit": {"enum": ["C", "F"]},
            },
        },
    }
    return {"type": "function", "function": known | function}


def a_version(**fields: Any) -> Version:
    prompt = PromptFactory(owner=alice(), slug="weather", visibility=Visibility.PUBLIC)
    fields = {"parameters": {"temperature": 0, "tools": [tool()]}} | fields
    version: Version = VersionFactory(prompt=prompt, **fields)
    return version


# --- the tools of a version -------------------------------------------------------------------------------


def saved(tools: str, **fields: str) -> str:
    """The page after trying to save a version with these tools; "" where it was saved."""
    a_version(parameters={})
    typed = {"role": ["user"], "content": ["Say {{word}}."], "note": "Tools.", "tools": tools, "do": "save"}
    answer = client_of(alice()).post(EDIT, {**typed, **fields})
    return "" if answer.status_code == 302 else read_page(answer)


def test_tools_are_typed_as_a_list_and_sent_as_they_are() -> None:
    assert saved(json.dumps([tool()])) == ""
    assert Version.objects.get(number=2).parameters == {"tools": [tool()]}
    page = read_page(client_of(alice()).get(EDIT))
    assert "get_weather" in page[page.index('name="tools"') :]


@pytest.mark.parametrize(
    ("tools", "said"),
    [
        ('{"type": "function"}', "must be a JSON list"),
        ("[", "not valid JSON"),
        ("[1]", "Tool 1: it must be an object"),
        ('[{"function": {}}]', "Tool 1: it says no “type”"),
        ('[{"type": "function", "name": "a"}]', "Tool 1: its name, description and parameters belong"),
        (json.dumps([tool(name="get weather")]), "Tool 1: its “name” has letters"),
        (json.dumps([tool(), tool()]), "Tool 2: there is another tool named “get_weather”"),
        (json.dumps([tool(description=5)]), "the “description” of “get_weather” is a text"),
        (
            json.dumps([tool(parameters={"type": "string"})]),
            "the “parameters” of “get_weather” are a JSON Schema",
        ),
        (
            json.dumps([tool(parameters={"type": "object", "properties": {"a": {"type": "text"}}})]),
            "At properties/a/type: “text” is no type",
        ),
        (json.dumps([tool(name=f"t{n}") for n in range(129)]), "128 at most"),
    ],
)
def test_what_is_wrong_with_a_tool_is_named(tools: str, said: str) -> None:
    assert said in saved(tools)
    assert not Version.objects.filter(number=2).exists()


def test_tools_among_the_other_parameters_are_asked_into_their_own_field() -> None:
    assert "has a field of its own" in saved("", more='{"tools": []}')


def test_a_providers_own_kind_of_tool_is_sent_as_it_is() -> None:
    assert saved('[{"type": "web_search"}]') == ""


def test_readers_see_a_list_of_tools_and_not_raw_json() -> None:
    version = a_version()
    for address in (version.prompt.get_absolute_url(), version.get_absolute_url()):
        page = read_page(Client().get(address))
        for said in (
            "1 tool the model may call",
            "get_weather",
            "The weather in a city.",
            "Its English name",
            "C | F",
        ):
            assert said in page, said
        assert "city</code> string, required" in page
        assert "{'type'" not in page
        assert "tools [" not in page


@pytest.mark.parametrize(
    "odd", ["x", [1, None], [{"type": "web_search"}], [{"function": {"parameters": 3}}], {}]
)
def test_whatever_a_file_brought_in_is_shown_without_an_error(odd: Json) -> None:
    version = a_version(parameters={"tools": odd})
    assert Client().get(version.get_absolute_url()).status_code == 200


# --- the canned results of a case -------------------------------------------------------------------------


def typed(*results: tuple[str, str, str], **fields: Any) -> dict[str, Any]:
    tools, arguments, given = zip(*results, strict=True) if results else ((), (), ())
    columns = {"tool": tools, "tool_arguments": arguments, "tool_result": given}
    return {"name": "Oslo", **columns, "do": "save", **fields}


def test_canned_results_are_saved_changed_and_emptied_again() -> None:
    a_version()
    client = client_of(alice())
    rows = [("get_weather", '{"city": "Oslo"}', "-12"), ("get_weather", "", "?"), ("now", "", "noon")]
    client.post(NEW, typed(*rows, tool_once=["3"], most_steps="3"))
    case = Case.objects.get()
    assert case.tool_results == [
        {"tool": "get_weather", "result": "-12", "arguments": {"city": "Oslo"}},
        {"tool": "get_weather", "result": "?"},
        {"tool": "now", "result": "noon", "once": True},
    ]
    assert case.most_steps == 3
    address = f"/studio/prompts/weather/cases/{case.public_id}/"
    page = read_page(client.get(address))
    for said in ("-12", '{"city": "Oslo"}', "noon", 'value="3"'):
        assert said in page.replace("&quot;", '"'), said
    client.post(address, typed(revision=case.revision))
    case.refresh_from_db()
    assert not case.tool_results
    assert case.most_steps is None


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("", "", "x"), "Name the tool"),
        (("a", "[1]", "x"), "must be a JSON object"),
        (("a", "{", "x"), "not valid JSON"),
        (("a", '{"b": "' + "c" * 2_001 + '"}', "x"), "at most 2,000 characters"),
        (("a", "", "x" * 100_001), "the most is 100,000"),
        (("a", "", "x\x00"), "NUL"),
    ],
)
def test_what_is_wrong_with_a_canned_result_is_named(row: tuple[str, str, str], said: str) -> None:
    a_version()
    page = read_page(client_of(alice()).post(NEW, typed(row)))
    assert said in page
    assert "Canned result 1" in page
    assert not Case.objects.exists()


def test_a_result_that_would_never_be_given_is_told() -> None:
    a_version()
    page = read_page(client_of(alice()).post(NEW, typed(("a", "", "x"), ("a", '{"b": 1}', "y"))))
    assert "answers every call of “a”" in page
    client_of(alice()).post(NEW, typed(("a", "", "x"), ("a", '{"b": 1}', "y"), tool_once=["1"]))
    assert Case.objects.count() == 1


@pytest.mark.parametrize("most", ["0", "51", "x"])
def test_the_number_of_steps_is_bounded(most: str) -> None:
    a_version()
    page = read_page(client_of(alice()).post(NEW, typed(("a", "", "x"), most_steps=most)))
    assert 'aria-invalid="true"' in page
    assert not Case.objects.exists()


def test_rows_are_added_moved_and_removed_without_javascript() -> None:
    a_version()
    client = client_of(alice())
    page = read_page(client.post(NEW, typed(("a", "", "first"), do="add:result"), follow=True))
    assert page.count('name="tool_result"') == 2
    two = ("a", "", "1st"), ("b", "", "2nd")
    page = read_page(client.post(NEW, typed(*two, do="up:result:2"), follow=True))
    assert page.index("2nd") < page.index("1st")
    page = read_page(client.post(NEW, typed(*two, do="remove:result:1"), follow=True))
    assert "1st" not in page


def test_the_versions_tools_are_offered_by_name() -> None:
    a_version()
    assert '<option value="get_weather">' in read_page(client_of(alice()).get(NEW))


def test_a_case_saved_meanwhile_shows_its_canned_results() -> None:
    version = a_version()
    case = CaseFactory(prompt=version.prompt, tool_results=[{"tool": "a", "result": "meanwhile"}], revision=5)
    answer = client_of(alice()).post(f"/studio/prompts/weather/cases/{case.public_id}/", typed(revision=1))
    assert "meanwhile" in read_page(answer)


# --- the steps of results -------------------------------------------------------------------------------


def a_prompt_with_steps(cases: int, versions: int = 2) -> Prompt:
    prompt = public_prompt()
    suite = [case | {"tool_results": [{"tool": "find", "result": "found"}]} for case in suite_of(cases)]
    called = {"id": "1", "type": "function", "function": {"name": "find", "arguments": '{"q": "Oslo"}'}}
    messages = [
        {"role": "user", "content": "Where?"},
        {"role": "assistant", "content": None, "tool_calls": [called]},
        {"role": "tool", "tool_call_id": "1", "content": "found it"},
    ]
    for number in range(1, versions + 1):
        version = VersionFactory(prompt=prompt, number=number)
        run = recorded_run(version, suite=suite, fails=range(1, cases + 1))
        run.results.update(request={"model": "m", "messages": messages})
    return prompt


@pytest.mark.parametrize("rest", ["", "results/", "compare/v1...v2/", "v2/"])
def test_tables_and_comparisons_fold_the_steps_at_the_same_number_of_queries(
    rest: str, count_queries: Callable[[Callable[[], Any]], int]
) -> None:
    small, large = (a_prompt_with_steps(cases).get_absolute_url() + rest for cases in (10, 20))
    page = read_page(Client().get(small))
    for said in ("The steps before it", "find", "Oslo", "canned result", "found it"):
        assert said in page, said
    few, many = (count_queries(partial(Client().get, address)) for address in (small, large))
    assert few == many


def test_the_time_of_a_result_with_steps_is_told_as_that_of_its_last_call() -> None:
    prompt = a_prompt_with_steps(1, versions=1)
    result = Result.objects.get()
    address = f"{prompt.get_absolute_url()}results/{result.public_id}/"
    assert "around the last of its HTTP calls alone" in " ".join(read_page(Client().get(address)).split())
    Result.objects.update(request={"model": "m", "messages": [{"role": "user", "content": "Where?"}]})
    prompt.save()
    assert "around the HTTP call alone" in " ".join(read_page(client_of(alice()).get(address)).split())


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"messages": 3},
        {"messages": [1, None, {"role": 5}]},
        {"messages": [{"role": "assistant", "tool_calls": [3, {"function": 4}, {}]}]},
        {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": [], "arguments": {}}}]}]},
        {"messages": [{"role": "assistant", "tool_calls": "x", "content": [1]}, {"role": "tool"}]},
    ],
)
def test_whatever_shape_an_imported_request_has_its_page_opens(request_: Json) -> None:
    prompt = a_prompt_with_steps(1, versions=1)
    Result.objects.update(request=request_)
    result = Result.objects.get()
    assert Client().get(result.get_absolute_url()).status_code == 200
    assert Client().get(prompt.get_absolute_url()).status_code == 200
