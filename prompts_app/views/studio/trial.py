"""Holding an output to a case before anything is saved or run."""

from dataclasses import dataclass

from prompts_app.engine.checking import checks_of
from prompts_app.engine.errors import Overrun
from prompts_app.engine.limited_process import JUDGING, apart
from prompts_app.engine.types import Answer, Assertion, Check
from prompts_app.forms.cases import AssertionRow, CaseForm
from prompts_app.models import Version

LONGEST_OUTPUT = 200_000  # characters


@dataclass(frozen=True, slots=True)
class Trial:
    """``checks`` in the rows' order, None where the row itself cannot be used yet; without a row, the check
    of the schema that is asked for."""

    checks: tuple[tuple[AssertionRow | None, Check | None], ...]
    is_cut: bool
    why: str = ""  # nothing was judged, as a sentence

    @property
    def passed(self) -> int:
        return sum(check.passed is True for _, check in self.checks if check)

    @property
    def judged(self) -> int:
        return sum(check.passed is not None for _, check in self.checks if check)


def judge_output(form: CaseForm, output: str, version: Version | None) -> Trial:
    """Nothing is known of an output that was pasted but its text: limits cannot be told and say so."""
    values = {row.name: row.value or row.default for row in form.values}
    answer = Answer(output[:LONGEST_OUTPUT].replace("\r\n", "\n"))
    rows = [(row, _readable(row)) for row in form.assertions]
    is_cut = len(output) > LONGEST_OUTPUT
    try:
        held = [one for _, one in rows if one]
        checks = iter(apart(JUDGING, checks_of, held, values, answer, version.parameters if version else {}))
    except Overrun as why:
        return Trial((), is_cut, str(why))
    of_rows = [(row, next(checks) if one else None) for row, one in rows]
    return Trial((*of_rows, *((None, check) for check in checks)), is_cut)


def _readable(row: AssertionRow) -> Assertion | None:
    try:
        return row.read() if row.about else None
    except ValueError:
        return None
