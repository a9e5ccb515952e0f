"""The engine's exceptions; and the one way to say no to a person, which many of them are."""

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType


class Refused(Exception):
    """No, because …: said to a person. Forms, pages, JSON and commands turn it into what they show.

    ``code`` is a short word for programs, ``sentence`` what the person reads, ``field`` the form's field it
    is about, "" for none.
    """

    def __init__(self, code: str, sentence: str, field: str = "") -> None:
        # Not handed on: ``args`` stay what was given here, so that a subclass can be pickled.
        self.code, self.sentence, self.field = code, sentence, field

    def __str__(self) -> str:
        return self.sentence


class RefusedKind(Refused):
    """Base of the few that are told apart by their type: the code stands at the class."""

    code = "refused"

    def __init__(self, sentence: str) -> None:
        super().__init__(type(self).code, sentence)


@dataclass(frozen=True, slots=True)
class OnRefusal:
    """A block that ends where something in it is refused: ``tell`` says so, and what stands below goes on."""

    tell: Callable[[Refused], object]

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, Refused):
            self.tell(error)
            return True
        return False


def why_not[**P](check: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> str:
    """The sentence ``check`` refuses with, "" where it does not."""
    try:
        check(*args, **kwargs)
    except Refused as refused:
        return refused.sentence
    return ""


# --- files and texts -------------------------------------------------------------------------------------


class FormatError(RefusedKind):
    """The whole file cannot be read. The message is one plain sentence or two, with the place where known."""

    code = "unreadable_file"


class TooMuch(ValueError):
    """An input asks for more than it may have. The message is a sentence for whoever sent it."""


class RenderError(ValueError):
    """A variable, ``name``, has neither a value nor a default, or a filter cannot take its value."""

    def __init__(self, name: str, why: str = "") -> None:
        self.name = name
        missing = "has no value in this case and no default."
        super().__init__(f"The variable {{{{{name}}}}} {f'cannot be filled in: {why}' if why else missing}")


class FilterError(ValueError):
    """A filter cannot do this with that value; the message is a sentence."""


class PictureRefused(RefusedKind):
    """Why a file cannot be kept as a picture, as a plain sentence that says what to do."""

    code = "picture"


class SealError(RefusedKind):
    """A seal that cannot be read or does not hold; the message is for the person who checks it."""

    code = "unreadable_seal"


class RevealUnreadable(RefusedKind):
    """What is wrong with a reveal, for the person who has it."""

    code = "unreadable_reveal"


class Overrun(RefusedKind):
    """The work wanted more than it may have. The message is a sentence for whoever sent the input."""

    code = "too_much_work"


# --- judging ---------------------------------------------------------------------------------------------


class CannotTell(Exception):
    """Nothing could be found out, and nothing will be. The message is a sentence that says why."""


class DoesNotFit(Exception):
    """Neither the kind nor its opposite holds: the output is not what they look at. The message says why."""


class NotJudged(Exception):
    """Nothing was judged yet, though it may be: by a judge model, or by the author. The message says why."""


class JudgeFailed(Exception):
    """The judge gave no verdict. The message is a sentence; ``cause`` its call's fault, "" for nonsense."""

    def __init__(self, message: str, cause: str = "") -> None:
        super().__init__(message)
        self.cause = cause


class UnreadableValue(ValueError):
    """A value that cannot be read; the message tells the author why."""


class NotReadable(ValueError):
    """The expression is not one of those that can be evaluated here."""


class CannotTransform(ValueError):
    """The expression does not fit this output; the message says why, as a clause."""


class TooManyChecks(ValueError):
    """The schema asks for more checks than are made here; the message is a clause."""
