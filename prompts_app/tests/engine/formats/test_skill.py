"""Agent skills: SKILL.md as a prompt, its evals as cases, asking without it as the baseline."""

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.errors import Refused
from prompts_app.engine.formats import FormatError, ImportedPrompt, ImportedVersion, Parsed, parse
from prompts_app.engine.formats.skill import EXPECTED, emit, skill_in
from prompts_app.engine.render import render_messages
from prompts_app.engine.tool_types import ToolResult
from prompts_app.engine.types import Assertion, CaseContent, Message, PromptContent

HEAD = "---\nname: pdf-forms\ndescription: Fills forms. Use it when there is one.\nlicense: MIT\n---\n"
SKILL = f"{HEAD}\n# Forms\n\nWrite {{{{field}}}} where {{% if x %}} a value is missing.\n"


def packed(files: dict[str, str | bytes], top: str = "pdf-forms/") -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for path, text in files.items():
            archive.writestr(top + path, text)
    return whole.getvalue()


def with_evals(*evals: Any, skill: str = SKILL, files: Mapping[str, str | bytes] | None = None) -> Parsed:
    body = json.dumps({"skill_name": "pdf-forms", "evals": evals})
    return parse("pdf-forms.zip", packed({"SKILL.md": skill, "evals/evals.json": body, **(files or {})}))


def cases_of(*evals: Any) -> tuple[CaseContent, ...]:
    return with_evals(*evals).prompts[0].cases


def sent(prompt: ImportedPrompt, version: int, case: CaseContent) -> list[tuple[str, str]]:
    messages = render_messages(prompt.versions[version - 1].prompt, case)
    return [(message.role, message.content) for message in messages]


class TestTheFile:
    def test_is_the_system_message_letter_for_letter_with_its_front_matter(self) -> None:
        (prompt,) = parse("SKILL.md", SKILL.encode()).prompts
        assert sent(prompt, 2, CaseContent("", {"request": "Fill it."})) == [
            ("system", SKILL),
            ("user", "Fill it."),
        ]

    def test_is_asked_the_same_without_it_first_which_is_the_baseline(self) -> None:
        (prompt,) = parse("SKILL.md", SKILL.encode()).prompts
        assert prompt.baseline == 1
        assert sent(prompt, 1, CaseContent("", {"request": "Fill it."})) == [("user", "Fill it.")]

    def test_gives_name_description_and_licence(self) -> None:
        (prompt,) = parse("SKILL.md", SKILL.encode()).prompts
        assert (prompt.title, prompt.summary, prompt.task, prompt.licence) == (
            "pdf-forms",
            "Fills forms. Use it when there is one.",
            "skill",
            "MIT",
        )

    @pytest.mark.parametrize("name", ["SKILL.md", "skill.md", "skills/x/SKILL.md", ""])
    def test_is_known_by_its_name_or_pasted_by_its_head(self, name: str) -> None:
        assert parse(name, SKILL.encode()).format == "skill"

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("notes.md", SKILL),
            ("", "---\ntitle: A poem\n---\nWrite one."),
            ("", "---\nname: A Poem\ndescription: Of spring.\n---\nWrite one."),
        ],
    )
    def test_another_file_with_front_matter_is_none(self, name: str, text: str) -> None:
        assert parse(name, text.encode()).format != "skill"

    @pytest.mark.parametrize("head", ["", "---\nname: x\n---\n", "---\ndescription: x\n---\n"])
    def test_without_a_name_and_a_description_is_refused(self, head: str) -> None:
        with pytest.raises(FormatError, match="a “name” and a “description”"):
            parse("SKILL.md", f"{head}# Do it".encode())


class TestEvals:
    def test_become_cases_with_what_is_expected_and_asserted_as_rubrics(self) -> None:
        (case,) = cases_of(
            {"id": 1, "prompt": "Fill it.", "expected_output": "A form.", "assertions": ["No blanks."]}
        )
        assert (case.name, dict(case.variables)) == ("Eval 1", {"request": "Fill it."})
        assert case.assertions == (
            Assertion("llm-rubric", "A form.", metric=EXPECTED),
            Assertion("llm-rubric", "No blanks."),
        )

    @pytest.mark.parametrize(
        ("graded", "assertion"),
        [
            ("Is short.", Assertion("llm-rubric", "Is short.")),
            ({"text": "Is short."}, Assertion("llm-rubric", "Is short.")),
            (
                {"text": "Is short.", "kind": "manual"},
                Assertion("llm-rubric", "Is short.", options={"kind": "manual"}),
            ),
            (
                {"name": "short", "description": "Is short."},
                Assertion("llm-rubric", "Is short.", metric="short"),
            ),
            ({"type": "contains", "value": "total"}, Assertion("contains", "total")),
            ({"type": "not-contains", "value": "—"}, Assertion("not-contains", "—")),
        ],
    )
    @pytest.mark.parametrize("key", ["assertions", "expectations"])
    def test_are_read_in_the_shapes_people_write(self, key: str, graded: Any, assertion: Assertion) -> None:
        (case,) = cases_of({"prompt": "x", key: [graded]})
        assert case.assertions == (assertion,)

    @pytest.mark.parametrize("about", [{"name": "tidy"}, {"eval_name": "tidy"}, {"id": "tidy"}])
    def test_are_named(self, about: dict[str, Any]) -> None:
        assert cases_of({"prompt": "x", **about})[0].name == "tidy"

    def test_are_given_their_files_which_the_baseline_has_too(self) -> None:
        parsed = with_evals(
            {"prompt": "Sum.", "files": ["evals/files/a.csv"]}, files={"evals/files/a.csv": "1,2"}
        )
        (prompt,) = parsed.prompts
        given = 'Sum.\n\n<file path="evals/files/a.csv">\n1,2\n</file>'
        assert sent(prompt, 1, prompt.cases[0]) == [("user", given)]
        assert sent(prompt, 2, prompt.cases[0])[1] == ("user", given)
        assert parsed.skipped == ()

    @pytest.mark.parametrize("path", ["gone.csv", "a.png", "../up.txt", "/etc/passwd", "SKILL.md"])
    def test_a_file_that_cannot_be_given_is_told_and_named(self, path: str) -> None:
        parsed = with_evals({"prompt": "x", "files": [path]}, files={"a.png": b"\x89PNG\xff\x00"})
        assert parsed.prompts[0].cases[0].variables["files"] == f'\n\n<file path="{path}"/>'
        assert any("file" in problem.what for problem in parsed.unsupported)

    def test_what_is_not_carried_is_told(self) -> None:
        graded = [{"score": 1}, {"type": "max-words", "value": 5}]
        parsed = with_evals({"prompt": "x", "category": "c", "assertions": graded}, {"prompt": " "})
        told = [problem.what for problem in parsed.unsupported]
        assert told == [
            "the field “category”",
            "one of the “assertions”: no text says what is wanted",
            "one of the “assertions”: the kind “max-words”",
            "an eval without a “prompt”",
        ]

    @pytest.mark.parametrize("body", ["{", "[]", '{"evals": {}}', '{"evals": "x"}', ""])
    def test_that_are_broken_refuse_the_file_with_their_place(self, body: str) -> None:
        with pytest.raises(FormatError, match=r"evals/evals\.json"):
            parse("x.zip", packed({"SKILL.md": SKILL, "evals/evals.json": body}))

    def test_odd_entries_are_told_and_the_rest_is_kept(self) -> None:
        parsed = with_evals(
            None, 3, "text", [], {"prompt": 5}, {"prompt": "x", "files": "a", "assertions": 1}
        )
        assert [case.variables["request"] for case in parsed.prompts[0].cases] == ["5", "x"]
        assert len(parsed.unsupported) == 4


class TestAFolder:
    def test_other_files_of_a_skill_are_no_prompts_and_are_named(self) -> None:
        parsed = parse("x.zip", packed({"SKILL.md": SKILL, "references/forms.md": "# Forms", "run.py": "1"}))
        assert [prompt.title for prompt in parsed.prompts] == ["pdf-forms"]
        assert {skip.what for skip in parsed.skipped} == {"pdf-forms/references/forms.md", "pdf-forms/run.py"}

    def test_several_skills_are_several_prompts_each_with_its_own_evals(self) -> None:
        body = json.dumps({"evals": [{"prompt": "x"}]})
        files = {
            "skills/a/SKILL.md": SKILL,
            "skills/a/evals/evals.json": body,
            "skills/b/SKILL.md": SKILL.replace("pdf-forms", "other"),
            "prompts/poem.md": "Write a poem.",
        }
        parsed = parse("x.zip", packed(dict(files), top=""))
        assert [(one.title, len(one.cases)) for one in parsed.prompts] == [
            ("pdf-forms", 1),
            ("other", 0),
            ("Poem", 0),
        ]

    def test_at_the_top_of_a_project_leaves_the_projects_prompts_alone(self) -> None:
        files = {"SKILL.md": SKILL, "references/x.md": "# x", "prompts/poem.md": "Write a poem."}
        parsed = parse("x.zip", packed(dict(files), top=""))
        assert [one.title for one in parsed.prompts] == ["pdf-forms", "Poem"]


class TestBackAgain:
    def test_the_folder_has_the_file_as_it_was_its_evals_and_their_files(self) -> None:
        eval_ = {
            "id": 3,
            "name": "sum",
            "prompt": "Sum {{it}}.",
            "expected_output": "A {{sum}}.",
            "files": ["evals/files/a.csv", "gone.png"],
            "assertions": ["Is short.", {"text": "No dashes.", "kind": "script"}],
        }
        parsed = with_evals(eval_, files={"evals/files/a.csv": "1,2\n"})
        archive = zipfile.ZipFile(io.BytesIO(emit(parsed.prompts[0])))
        assert archive.read("pdf-forms/SKILL.md").decode() == SKILL
        assert archive.read("pdf-forms/evals/files/a.csv").decode() == "1,2\n"
        assert json.loads(archive.read("pdf-forms/evals/evals.json")) == {
            "skill_name": "pdf-forms",
            "evals": [eval_],
        }

    def test_a_case_with_more_than_evals_have_comes_back_whole(self) -> None:
        case = CaseContent(
            "Eval 1: more",
            {"request": "x"},
            ("And then?",),
            (Assertion("contains", "y", weight=2.0), Assertion("llm-rubric", "z", threshold=0.5)),
            system="Another.",
            threshold=0.5,
            tool_results=(ToolResult("find", "found", {"q": "x"}, once=True),),
            most_steps=3,
        )
        (prompt,) = parse("SKILL.md", SKILL.encode()).prompts
        again = parse("x.zip", emit(ImportedPrompt("t", prompt.versions, cases=(case,)))).prompts[0]
        assert again.cases == (case,)

    def test_a_prompt_that_is_no_skill_cannot_be_one_folder(self) -> None:
        content = PromptContent((Message("system", "You are kind."),))
        assert skill_in(content) == ""
        with pytest.raises(Refused, match="no skill"):
            emit(ImportedPrompt("Kind", (ImportedVersion(content),)))

    WORDS = st.text(
        st.characters(codec="utf-8", exclude_characters="\x00\r", exclude_categories=["Cs"]), max_size=60
    )
    TEXTS = WORDS.filter(str.strip)

    @given(
        body=WORDS,
        evals=st.lists(
            st.fixed_dictionaries(
                {"id": st.integers(0, 99), "prompt": TEXTS, "files": st.just([])},
                optional={"expected_output": TEXTS, "assertions": st.lists(TEXTS, max_size=3)},
            ),
            max_size=4,
        ),
    )
    def test_whatever_stands_in_it_comes_back(self, body: str, evals: list[dict[str, Any]]) -> None:
        (prompt,) = with_evals(*evals, skill=f"{HEAD}{body}").prompts
        (again,) = parse("x.zip", emit(prompt)).prompts
        assert [one.prompt for one in again.versions] == [one.prompt for one in prompt.versions]
        assert again.cases == prompt.cases
        assert sent(prompt, 2, CaseContent("", {"request": "q"}))[0] == ("system", f"{HEAD}{body}")
