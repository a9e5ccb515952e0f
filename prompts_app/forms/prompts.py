"""One version of a prompt as a form: messages, the variables found in them, parameters and a note."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from textwrap import shorten
from typing import Any

from django import forms
from django.http import QueryDict

from prompts_app.engine import types as engine
from prompts_app.engine.case_pictures import CasePicture
from prompts_app.engine.names import Rename, renamed_text, renames_in
from prompts_app.engine.render import find_variables, needed_variables
from prompts_app.forms.fields import AboutForm, ProseField, one_line_end
from prompts_app.forms.parameters import ParametersForm, initial_parameters
from prompts_app.forms.rows import RowCommand, RowProblem, problems_of, text_problems
from prompts_app.models import Task, Version
from prompts_app.models.prompts import LONGEST_MESSAGE, MOST_MESSAGES

LONGEST_DEFAULT = 20_000  # characters
LONGEST_DESCRIPTION = 300
LONGEST_WORKING_TITLE = 60
MOST_REMOVED = MOST_MESSAGES  # that can be brought back
MOST_VARIABLES = 100


@dataclass
class MessageRow:
    role: str = "user"
    content: str = ""
    problems: list[str] = field(default_factory=list)


@dataclass
class VariableRow:
    """``messages``: the numbers of the messages it stands in, from 1."""

    name: str
    default: str = ""
    description: str = ""
    messages: list[int] = field(default_factory=list)
    is_needed: bool = True  # somewhere in them, where no filter stands in for it
    problems: list[str] = field(default_factory=list)
    pictures: tuple[CasePicture, ...] = ()  # given on a page of their own, and kept

    @property
    def is_used(self) -> bool:
        return bool(self.messages)


class VersionForm(ParametersForm):
    """``typed`` fills the form, as posted or as kept in a draft; it is only judged where ``judged`` says so.

    Without it the form shows ``version``, or one empty message.
    """

    note = ProseField(
        required=False,
        max_length=2000,
        label="What changed, and why?",
        help_text="Shown on the prompt’s page beside this version.",
        widget=forms.Textarea(attrs={"rows": 2, "class": "prose"}),
    )
    # The newest version the author saw: how a second tab's save is noticed.
    seen_number = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, *, version: Version | None = None, typed: QueryDict | None = None, judged: bool = False
    ) -> None:
        self.version = version
        self._pictures = {v.name: v.pictures for v in version.as_engine().variables} if version else {}
        self.messages = _typed_messages(typed) if typed else [MessageRow()]
        self.removed = (
            _typed_messages(typed, "removed_")[:MOST_REMOVED] if typed else []
        )  # the last one first
        self._typed_variables = _typed_variables(typed) if typed else {}
        if version and not typed:
            self.messages = [MessageRow(m["role"], m["content"]) for m in version.messages]
            rows = (VariableRow(v["name"], v["default"], v["description"]) for v in version.variables)
            self._typed_variables = {row.name: row for row in rows}
        self.focus = ""  # the id of the field to go on typing in
        if typed is not None and judged:
            super().__init__(data=typed)
        else:
            super().__init__(initial=typed.dict() if typed else self.stored())

    def stored(self) -> dict[str, Any]:
        if self.version is None:
            return {}
        return {**initial_parameters(self.version.as_engine().parameters), "seen_number": self.version.number}

    @property
    def note_typed(self) -> str:
        return str(self["note"].value() or "")

    # --- rows ---

    def apply(self, command: RowCommand) -> None:
        if command.verb == "rename":
            self._rename(command.row)
            return
        if command.noun == "removed":
            self._bring_back()
            return
        if command.verb == "remove" and command.row is not None and command.row < len(self.messages):
            self.removed = [self.messages[command.row], *self.removed][:MOST_REMOVED]
        row = command.apply(self.messages, lambda: MessageRow(self.next_role), MOST_MESSAGES)
        if row is not None:
            moved = command.verb in {"up", "down"}
            self.focus = f"{command.verb}-{row + 1}" if moved else f"message-{row + 1}"

    @property
    def next_role(self) -> str:
        """Of a message that is added: user and assistant take turns."""
        return "assistant" if self.messages and self.messages[-1].role == "user" else "user"

    def _bring_back(self) -> None:
        """The message that was removed last, behind the others: where it stood may mean nothing by now."""
        if self.removed and self.can_add_message:
            self.messages.append(self.removed.pop(0))
            self.focus = f"message-{len(self.messages)}"

    @property
    def renames(self) -> tuple[Rename, ...]:
        """Names in the messages that are none here, each with one it could have."""
        return renames_in(engine.Message("user", row.content) for row in self.messages)

    def _rename(self, place: int | None) -> None:
        offers = self.renames
        if place is not None and 0 <= place < len(offers):
            names = {offers[place].name: offers[place].becomes}
            for row in self.messages:
                row.content = renamed_text(row.content, names)

    @property
    def can_add_message(self) -> bool:
        return len(self.messages) < MOST_MESSAGES

    @property
    def variables(self) -> list[VariableRow]:
        """Those found in the messages in order of first use; then typed ones whose name is gone just now."""
        places: dict[str, list[int]] = {}
        for number, row in enumerate(self.messages, 1):
            for name in find_variables([engine.Message("user", row.content)]):
                places.setdefault(name, []).append(number)
        found = [self._variable(name, numbers) for name, numbers in places.items()]
        gone = [v for name, v in self._typed_variables.items() if name not in places]
        return found + [v for v in gone if v.default or v.description]

    def _variable(self, name: str, messages: list[int]) -> VariableRow:
        row = self._typed_variables.setdefault(name, VariableRow(name))
        row.messages, row.pictures = messages, self._pictures.get(name, ())
        row.is_needed = name in needed_variables(engine.Message("user", one.content) for one in self.messages)
        return row

    @property
    def used_variables(self) -> list[VariableRow]:
        return [row for row in self.variables if row.is_used]

    def content(self) -> engine.PromptContent:
        """What is saved, or previewed before it was judged."""
        parameters = getattr(self, "cleaned_data", {}).get("parameters", {})
        return engine.PromptContent(
            tuple(engine.Message(row.role, row.content) for row in self.messages),  # type: ignore[arg-type]
            tuple(engine.Variable(v.name, v.default, v.description, v.pictures) for v in self.used_variables),
            parameters,
        )

    # --- judging ---

    def is_valid(self) -> bool:
        return super().is_valid() and not self.row_problems

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        self._judge_messages()
        for row in self.used_variables:
            row.problems = [
                *text_problems(row.default, LONGEST_DEFAULT, "default"),
                *text_problems(row.description, LONGEST_DESCRIPTION, "description"),
            ]
        return data

    def _judge_messages(self) -> None:
        if not self.messages:
            self.add_error(None, "Write at least one message.")
        if len(self.messages) > MOST_MESSAGES:
            self.add_error(
                None, f"A prompt has at most {MOST_MESSAGES} messages; these are {len(self.messages)}."
            )
        if len(self.used_variables) > MOST_VARIABLES:
            self.add_error(None, f"A prompt has at most {MOST_VARIABLES} variables.")
        for row in self.messages:
            if row.role not in engine.ROLES:
                row.problems = ["Choose a role: system, user or assistant."]
            else:
                row.problems = text_problems(row.content, LONGEST_MESSAGE, "message", needed=True)

    @property
    def row_problems(self) -> list[RowProblem]:
        variables = problems_of("default", self.used_variables, lambda row: f"Variable {row.name}")
        return problems_of("message", self.messages, "Message") + variables


class NewPromptForm(AboutForm, VersionForm):
    """A prompt and its first version."""

    field_order = ("title", "summary", "task", "tags")

    task = forms.ChoiceField(choices=Task, initial=Task.OTHER, help_text="What others filter by.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["title"].required = False
        self.fields["title"].help_text = "Empty stands for its first words. You can change it at any time."

    def stored(self) -> dict[str, Any]:
        return {"task": Task.OTHER, **super().stored()}

    def clean_title(self) -> str:
        return str(self.cleaned_data["title"]) or self._working_title()

    def _working_title(self) -> str:
        words = " ".join(" ".join(row.content for row in self.messages).split())
        return shorten(words, LONGEST_WORKING_TITLE, placeholder="…") or "Untitled"

    @property
    def about_fields(self) -> list[forms.BoundField]:
        return [self["title"], self["summary"], self["task"], self["tags"]]


# --- reading ------------------------------------------------------------------------------------------------


def _typed_messages(typed: QueryDict, prefix: str = "") -> list[MessageRow]:
    roles, contents = typed.getlist(f"{prefix}role"), typed.getlist(f"{prefix}content")
    return [MessageRow(role, one_line_end(content)) for role, content in zip(roles, contents, strict=False)]


def _typed_variables(typed: QueryDict) -> dict[str, VariableRow]:
    columns: list[Sequence[str]] = [
        typed.getlist(f"variable_{name}") for name in ("name", "default", "description")
    ]
    rows = zip(*columns, strict=False)
    return {
        name: VariableRow(name, one_line_end(default), description) for name, default, description in rows
    }
