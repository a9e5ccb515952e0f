"""The worst input costs its sender a message: what is done apart may die without taking anybody along."""

import operator
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from prompts_app.engine import limited_process as module
from prompts_app.engine.checking import checks_of
from prompts_app.engine.errors import Overrun
from prompts_app.engine.formats import FormatError, parse
from prompts_app.engine.limited_process import BUSY, FILE, TOO_MUCH, Limits, apart
from prompts_app.engine.types import Answer, Assertion

SMALL = Limits(1, 100)


def test_the_result_and_the_exceptions_are_the_same() -> None:
    data = b'{"messages": [{"role": "user", "content": "Hello {{name}}"}]}'
    assert apart(FILE, parse, "a.json", data) == parse("a.json", data)
    with pytest.raises(FormatError, match="not valid JSON: line 1, column 2"):
        apart(FILE, parse, "a.json", b"{")


def test_a_child_is_used_again() -> None:
    first = apart(SMALL, os.getpid)
    assert first != os.getpid()
    assert apart(SMALL, os.getpid) == first


def test_so_is_one_of_a_process_that_had_more_memory_than_a_child_is_kept_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_pool", module._Pool())
    assert len(bytearray(b"x") * (module.MOST_KEPT + 50_000_000))  # had, and given back
    first = apart(SMALL, os.getpid)
    assert apart(SMALL, os.getpid) == first


@pytest.mark.parametrize(
    ("work", "arguments"),
    [
        (operator.mul, ("x", 10**10)),  # memory that is not given
        (pow, (7, 10**9)),  # time in C, which no exception ends
        (time.sleep, (60,)),  # time that nobody uses
        (os._exit, (3,)),
        (os.kill, (0, signal.SIGKILL)),
    ],
    ids=["memory", "time", "sleep", "exit", "kill"],
)
def test_what_is_too_much_ends_in_a_sentence(work: object, arguments: tuple[object, ...]) -> None:
    with pytest.raises(Overrun) as told:
        apart(SMALL, work, *arguments)  # type: ignore[arg-type]
    assert str(told.value) == TOO_MUCH
    assert apart(SMALL, len, "and the next one works") == 22


def test_more_than_may_come_back_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ANSWER", 1_000)
    with pytest.raises(Overrun):
        apart(SMALL, operator.mul, "x", 2_000)


def test_work_that_goes_too_deep_for_python_is_told_too() -> None:
    with pytest.raises(Overrun):
        apart(SMALL, deep, 10**6)


def deep(levels: int) -> int:
    return 1 + deep(levels - 1)


def test_no_more_than_so_many_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT_S", 0.1)
    busy = [threading.Thread(target=apart, args=(SMALL, time.sleep, 1.5)) for _ in range(module.AT_ONCE)]
    for one in busy:
        one.start()
    time.sleep(0.2)
    try:
        with pytest.raises(Overrun) as told:
            apart(SMALL, len, "")
        assert str(told.value) == BUSY
    finally:
        for one in busy:
            one.join()


def test_it_knows_no_secret_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "of the server")
    monkeypatch.setattr(module, "_pool", module._Pool())
    assert apart(SMALL, os.getenv, "SECRET_KEY") is None


def test_it_ends_with_the_process_that_asked() -> None:
    program = (
        "import os; from prompts_app.engine.limited_process import FILE, apart;"
        "print(apart(FILE, os.getpid), flush=True);"
        "os._exit(0)"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    child = int(found.stdout)
    for _ in range(100):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("The child is still there.")


def test_an_output_is_judged_apart_as_it_is_here() -> None:
    assertions = [Assertion("contains", "{{word}}"), Assertion("regex", "(x+x+)+y"), Assertion("is-json")]
    answer = Answer("x" * 40 + " tea")
    assert apart(FILE, checks_of, assertions, {"word": "tea"}, answer) == checks_of(
        assertions, {"word": "tea"}, answer
    )


def test_a_child_that_cannot_start_is_no_fault_of_the_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as while a release is being replaced under a running server."""
    monkeypatch.setattr(module, "_pool", module._Pool())
    monkeypatch.setattr(module, "__name__", "prompts_app.engine.gone")
    with pytest.raises(Overrun, match="no fault of yours"):
        apart(FILE, len, "abc")
