"""What a text is tried with: values, of a case or typed, and the models to ask."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.http import QueryDict

from prompts_app.actions.tries.starting import ModelAt, endpoints_of, places_offered
from prompts_app.engine import types as engine
from prompts_app.forms.fields import one_line_end
from prompts_app.forms.prompts import VariableRow
from prompts_app.models import Case, Endpoint, Prompt, User

MOST_CASES = 200  # to choose values from
TYPED = "typed"  # values of no case


@dataclass(frozen=True, slots=True)
class Value:
    """``has_picture``: the chosen case puts a picture in its place."""

    name: str
    text: str
    default: str
    has_picture: bool = False


@dataclass(frozen=True, slots=True)
class TryForm:
    """As it was typed, else with the first case's values and the models asked last."""

    offered: Sequence[tuple[str, str]]  # cases: public id and name
    chosen: Case | None
    values: Sequence[Value]
    places: Sequence[ModelAt]
    ticked: Sequence[str]  # words of places, which may be gone by now
    endpoints: Sequence[Endpoint] = ()  # to type another model at
    other_endpoint: str = ""
    other_model: str = ""

    @property
    def words(self) -> list[str]:
        """Of the places to ask: those ticked, and the one that was typed."""
        typed = [f"{self.other_endpoint} {self.other_model}"] if self.other_model else []
        return [*self.ticked, *typed]

    def case(self) -> engine.CaseContent:
        """The chosen case with the values as they are now."""
        case = self.chosen.as_engine() if self.chosen else engine.CaseContent("")
        # An empty field is no value, unless it is the case that says it is empty.
        typed = {
            value.name: value.text for value in self.values if value.text or value.name in case.variables
        }
        return replace(case, variables={**case.variables, **typed})


def read_try(
    user: User, prompt: Prompt | None, variables: Sequence[VariableRow], typed: QueryDict | None
) -> TryForm:
    """Values come from the chosen case when it was just chosen, and from the fields otherwise."""
    data = typed or QueryDict()
    wanted = data.get("with", "").replace("\x00", "")
    chosen, offered = _case(prompt, wanted)
    just_chosen = chosen is not None and data.get("filled_with", "") != chosen.public_id
    of_case = chosen.variables if chosen else {}
    texts = of_case if just_chosen else {**of_case, **_fields(data)}
    pictured = {one.variable for one in chosen.as_engine().pictures} if chosen else set()
    ticked = data.getlist("place")
    endpoints = endpoints_of(user)
    places = places_offered(user, prompt, endpoints, data.getlist("place"))
    if "places_shown" not in data:
        ticked = [place.word for place in places[:1]]
    return TryForm(
        offered,
        chosen,
        [Value(row.name, texts.get(row.name, ""), row.default, row.name in pictured) for row in variables],
        places,
        ticked,
        [one for one in endpoints if one.pk],
        data.get("other_endpoint", ""),
        data.get("other_model", "").strip(),
    )


def _case(prompt: Prompt | None, wanted: str) -> tuple[Case | None, list[tuple[str, str]]]:
    if prompt is None:
        return None, []
    cases = prompt.cases.in_order()
    offered = [(one.public_id, one.name) for one in cases.only("public_id", "name", "prompt_id")[:MOST_CASES]]
    if wanted == TYPED:
        return None, offered
    return cases.filter(public_id=wanted).first() or cases.first(), offered


def _fields(data: QueryDict) -> dict[str, str]:
    pairs = zip(data.getlist("value_name"), data.getlist("value"), strict=False)
    return {name: one_line_end(text) for name, text in pairs}
