"""What a kind of assertion is, and the few words all families share."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from prompts_app.engine.assertions.entry import ValueShape, show
from prompts_app.engine.assertions.judging import JudgeClient, JudgedOutput
from prompts_app.engine.errors import NotJudged
from prompts_app.engine.types import Answer, Assertion, Json

NO_JUDGE = "Not judged: no judge model was chosen."
SELECT_LATER = (
    "Not judged yet: it is compared with the other outputs of this case when all of them are there."
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, said as a fact that reads the same for a kind and its ``not-`` form.

    ``score`` is 0..1 for the plain form; the opposite's is one minus it.
    """

    passed: bool
    score: float
    reason: str


type Grade = Callable[[Assertion, JudgedOutput, JudgeClient], Awaitable[Finding]]


@dataclass(frozen=True, slots=True)
class AssertionKind:
    """One kind of assertion, and all that a picker, a docs page or an importer needs to know of it.

    ``value`` is the shape of the value: ``none``; ``text``; ``prose`` (a text of some length); ``lines``
    (several texts); ``number`` (a limit in ``unit``, kept as the assertion's threshold); ``schema`` (a JSON
    Schema); ``object`` (JSON); ``words`` (a count or a range); ``names`` (one of ``choices``, though others
    are taken too); ``assertions`` (JSON, a list of them); ``tools`` (names of tools, or JSON). ``optional``
    says the value may be left out.
    ``usual_threshold`` belongs to kinds that compare by degree, in ``unit`` where there is one, else a score
    of 0..1; ``has_threshold`` to kinds that take one but have none of their own.

    ``find`` judges by itself; where it is ``None`` a verdict comes later, and ``waiting`` says of what. Kinds
    that ``ask`` a judge model, or have it ``embed`` texts, are judged by ``grade`` where a judge was chosen;
    one that asks without it is judged over several outputs at once. ``problem`` says what is wrong with an
    assertion of the kind, or raises ``ValueError`` with that.
    ``options`` names those of promptfoo's further fields that mean something here. ``takes_pictures`` belongs
    to kinds that do not look at a text. ``passes`` and ``fails`` are an answer that the ``example`` holds of
    and one that it does not; ``placeholder`` is how it is typed, where it is not the example.
    """

    name: str
    family: str
    sentence: str
    value: ValueShape
    find: Callable[[Assertion, Answer], Finding] | None
    problem: Callable[[Assertion], str | None] = lambda assertion: None
    example: Json = None
    placeholder: str = ""
    optional: bool = False
    unit: str = ""
    choices: tuple[str, ...] = ()
    usual_threshold: float | None = None
    has_threshold: bool = False
    has_opposite: bool = True
    grade: Grade | None = None
    waiting: str = NO_JUDGE
    asks: bool = False
    embeds: bool = False
    options: tuple[str, ...] = ()
    takes_pictures: bool = False
    passes: Answer | None = None
    fails: Answer | None = None

    @property
    def needs_judge(self) -> bool:
        return self.asks or self.embeds

    def found(self, assertion: Assertion, answer: Answer) -> Finding:
        """What ``find`` says. Raises ``NotJudged`` where the verdict comes later."""
        if self.find is None:
            raise NotJudged(self.waiting)
        return self.find(assertion, answer)

    @property
    def as_example(self) -> Assertion:
        """The example as an assertion."""
        if self.value == "number":
            return Assertion(self.name, threshold=self.example)
        return Assertion(self.name, self.example)

    def __post_init__(self) -> None:
        if not self.placeholder:
            object.__setattr__(self, "placeholder", show(self.example, self.value))

    @property
    def takes_threshold(self) -> bool:
        return self.has_threshold or self.usual_threshold is not None


def threshold_of(assertion: Assertion, usual: float) -> float:
    return usual if assertion.threshold is None else assertion.threshold


def threshold_problem(assertion: Assertion) -> str | None:
    if assertion.threshold is not None and not 0 <= assertion.threshold <= 1:
        return "The threshold is a score between 0 and 1."
    return None


def by_degree(what: str, score: float, least: float, why: str = "", *, slack: float = 0.0) -> Finding:
    """A finding of the sort that compares: ``what`` was measured comes to ``score``, of ``least``."""
    reason = f"{what} {score:.2f}; the threshold is {least:g}. {why}".strip()
    return Finding(score >= least - slack, score, reason)


def fact(holds: bool, when_so: str, when_not: str = "") -> Finding:
    """A finding of the yes-or-no sort; ``when_not`` "" where both are told in the same words."""
    return Finding(holds, 1.0 if holds else 0.0, when_so if holds else when_not or when_so)
