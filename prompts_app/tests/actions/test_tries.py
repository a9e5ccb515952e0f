"""Trying a text before it is saved: what is asked and kept, and what is refused. It is nobody's evidence."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.utils import timezone

from prompts_app.actions.tries import asking
from prompts_app.actions.tries.asking import VANISHED, end_vanished_tries, execute_try
from prompts_app.actions.tries.proposing import proposed
from prompts_app.actions.tries.starting import (
    MOST_AT_ONCE,
    MOST_KEPT,
    ModelAt,
    endpoints_of,
    keep_with,
    places_named,
    places_offered,
    start_try,
    stop_try,
    tries_of,
)
from prompts_app.engine import types as engine
from prompts_app.engine.errors import Refused
from prompts_app.models import Endpoint, Prompt, Run, Try, TryAnswer
from prompts_app.tests.actions.running import at, in_a_thread
from prompts_app.tests.engine.servers import KEY, answering, completion, http
from prompts_app.tests.engine.streaming import FINISHED, says, streamed
from prompts_app.tests.factories import EndpointFactory, PromptFactory
from prompts_app.tests.people import alice, bob
from prompts_app.tests.workers import eventually

pytestmark = pytest.mark.django_db

TEXT = engine.PromptContent(
    (engine.Message("user", "Say {{word}}."),), (engine.Variable("word"),), {"temperature": 0}
)
YES = streamed(
    says(role="assistant", content=""), 0.05, says(content="yes, "), says(content="indeed"), *FINISHED
)


def case(*assertions: engine.Assertion, **values: str) -> engine.CaseContent:
    return engine.CaseContent("a case", values or {"word": "yes"}, assertions=assertions)


def begun(
    endpoint: Endpoint,
    *models: str,
    prompt: Prompt | None = None,
    of: engine.CaseContent | None = None,
) -> Try:
    places = [ModelAt(endpoint, model) for model in models or ("tiny",)]
    return start_try(alice(), prompt, TEXT, of or case(), places)


def ended(one: Try) -> Sequence[TryAnswer]:
    execute_try(one.pk)
    one.refresh_from_db()
    return list(one.answers.all())


class TestAsking:
    def test_the_unsaved_text_is_asked_in_pieces_and_all_that_is_known_of_the_answer_kept(self) -> None:
        with answering(YES) as server:
            one = begun(
                at(server), of=case(engine.Assertion("contains", "yes"), engine.Assertion("equals", "no"))
            )
            (answer,) = ended(one)
        sent = server.asked[0].json
        assert sent["messages"] == [{"role": "user", "content": "Say yes."}]
        assert (sent["stream"], sent["temperature"]) == (True, 0)
        assert (one.state, answer.is_done, answer.output, answer.finish_reason) == (
            "ended", True, "yes, indeed", "stop",
        )  # fmt: skip
        assert (answer.tokens_in, answer.tokens_out) == (7, 2)
        assert answer.first_token_ms is not None
        assert answer.latency_ms is not None
        assert [check["passed"] for check in answer.checks] == [True, False]
        assert answer.passed is False

    def test_models_are_asked_side_by_side(self) -> None:
        slow = streamed(0.6, says(content="late"), *FINISHED)
        with answering(slow, slow, slow) as server:
            one = begun(at(server), "a", "b", "c")
            before = timezone.now()
            answers = ended(one)
        assert [answer.output for answer in answers] == ["late"] * 3
        assert timezone.now() - before < timedelta(seconds=1.7)

    @pytest.mark.django_db(transaction=True)
    def test_what_has_come_is_kept_while_more_comes(self) -> None:
        halves = streamed(says(content="the beginning"), 2, says(content=" and the end"), *FINISHED)
        with answering(halves) as server:
            one = begun(at(server))
            work = in_a_thread(lambda: execute_try(one.pk))
            eventually(lambda: one.answers.get().output == "the beginning")
            assert not one.answers.get().is_done
            work.join(10)
        assert one.answers.get().output == "the beginning and the end"

    def test_the_key_is_in_nothing_that_is_kept(self) -> None:
        with answering(
            streamed(says(content=f"your key is {KEY} "), 0.5, says(content="!"), *FINISHED)
        ) as server:
            (answer,) = ended(begun(at(server)))
        assert KEY not in str(vars(answer))

    def test_a_fault_is_the_labelled_kind_of_a_run(self) -> None:
        refusal = http(401, {"error": {"message": "Incorrect API key provided"}})
        with answering(refusal) as server:
            (answer,) = ended(begun(at(server)))
        assert (answer.error_kind, answer.output, answer.passed) == ("auth", "", None)

    def test_a_server_that_answers_no_streams_is_read_all_the_same(self) -> None:
        with answering(http(200, completion("whole"))) as server:
            (answer,) = ended(begun(at(server)))
        assert (answer.output, answer.first_token_ms) == ("whole", None)

    def test_what_was_not_foreseen_ends_that_answer_and_holds_no_worker(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: object, **__: object) -> None:
            raise RuntimeError

        monkeypatch.setattr(asking, "run_cells", broken)
        with answering(YES) as server:
            one = begun(at(server))
            (answer,) = ended(one)
        assert (one.state, answer.is_done, answer.error_kind) == ("ended", True, "internal")

    def test_practice_answers_without_any_endpoint(self) -> None:
        practice = places_offered(alice(), None, endpoints_of(alice()))[-1]
        one = start_try(alice(), None, TEXT, case(), [practice])
        (answer,) = ended(one)
        assert answer.output
        assert answer.endpoint is not None
        assert answer.endpoint.is_practice

    def test_it_is_asked_once_whatever_a_queue_delivers_twice(self) -> None:
        with answering(YES) as server:
            one = begun(at(server))
            assert execute_try(one.pk)
            assert not execute_try(one.pk)
        assert len(server.asked) == 1

    def test_what_is_tried_makes_no_run_no_version_and_no_case(self) -> None:
        prompt = PromptFactory(owner=alice())
        with answering(YES) as server:
            ended(begun(at(server), prompt=prompt))
        assert not Run.objects.exists()
        assert not prompt.versions.exists()
        assert not prompt.cases.exists()


class TestStopping:
    @pytest.mark.django_db(transaction=True)
    def test_stop_ends_the_call_and_keeps_what_came(self) -> None:
        with answering(streamed(says(content="so far"), 20, *FINISHED)) as server:
            one = begun(at(server))
            work = in_a_thread(lambda: execute_try(one.pk))
            eventually(lambda: one.answers.get().output == "so far")
            stop_try(one)
            work.join(5)
            assert not work.is_alive()
        answer = one.answers.get()
        assert (answer.is_done, answer.error_kind, answer.output) == (True, "cut_short", "so far")
        one.refresh_from_db()
        assert one.state == "ended"

    def test_one_that_nobody_has_begun_sends_nothing(self) -> None:
        with answering(YES) as server:
            one = begun(at(server))
            stop_try(one)
            one.refresh_from_db()
            (answer,) = ended(one)
            assert server.asked == []
        assert answer.error_kind == "cut_short"

    def test_where_the_worker_vanished_it_says_so_and_nothing_is_asked_again(self) -> None:
        with answering(YES) as server:
            one = begun(at(server))
            assert Try.objects.filter(pk=one.pk).claim(one.pk, "gone", state="running")
            assert end_vanished_tries() == 0  # its lease still runs
            Try.objects.filter(pk=one.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
            assert end_vanished_tries() == 1
            assert not execute_try(one.pk)
            assert server.asked == []
        answer = one.answers.get()
        assert (answer.is_done, answer.error_message) == (True, VANISHED)


class TestRefusals:
    def test_a_variable_without_a_value(self) -> None:
        with pytest.raises(Refused, match="has no value"):
            start_try(
                alice(), None, TEXT, engine.CaseContent(""), [ModelAt(EndpointFactory(owner=alice()), "a")]
            )

    def test_no_model_and_too_many(self) -> None:
        endpoint = EndpointFactory(owner=alice())
        with pytest.raises(Refused, match="at least one model"):
            start_try(alice(), None, TEXT, case(), [])
        with pytest.raises(Refused, match="At most 4"):
            begun(endpoint, "a", "b", "c", "d", "e")
        assert not Try.objects.exists()

    def test_too_many_at_once(self) -> None:
        endpoint = EndpointFactory(owner=alice())
        for _ in range(MOST_AT_ONCE):
            begun(endpoint)
        with pytest.raises(Refused, match="are being answered"):
            begun(endpoint)

    def test_somebody_elses_endpoint(self) -> None:
        theirs = EndpointFactory(owner=bob())
        with pytest.raises(Refused, match="no such endpoint"):
            places_named(alice(), [f"{theirs.public_id} tiny"])

    @pytest.mark.parametrize("word", ["", " ", "x", "x ", "x\x00y z", "ä" * 300])
    def test_a_place_that_is_none(self, word: str) -> None:
        with pytest.raises(Refused):
            places_named(alice(), [word])


class TestKeeping:
    def test_the_last_hundred_of_a_prompt_are_kept(self) -> None:
        prompt, endpoint = PromptFactory(owner=alice()), EndpointFactory(owner=alice())
        other = begun(endpoint)
        Try.objects.all().update(state="ended")
        for _ in range(MOST_KEPT + 2):
            begun(endpoint, prompt=prompt)
            Try.objects.all().update(state="ended")
        assert tries_of(alice(), prompt).count() == MOST_KEPT
        assert Try.objects.filter(pk=other.pk).exists()

    def test_what_was_tried_before_saving_goes_with_the_prompt(self) -> None:
        one = begun(EndpointFactory(owner=alice()))
        prompt = PromptFactory(owner=alice())
        keep_with(alice(), prompt)
        assert list(tries_of(alice(), prompt)) == [one]

    def test_models_tried_last_are_offered_first(self) -> None:
        prompt = PromptFactory(owner=alice())
        endpoint = EndpointFactory(owner=alice(), known_models=["listed"])
        begun(endpoint, "mine", prompt=prompt)
        assert [place.model for place in places_offered(alice(), prompt, endpoints_of(alice()))][:2] == [
            "mine",
            "listed",
        ]


@pytest.mark.parametrize(
    ("output", "kind", "value"),
    [
        ('{"a": 1}', "is-json", ""),
        ("[1, 2]", "is-json", ""),
        ("billing", "equals", "billing"),
        ("12", "equals", "12"),
        ("Dear Ada,\nthank you.", "contains", "Dear Ada,"),
        ("", "equals", ""),
        ("[" * 100_000, "contains", "[" * 80),
    ],
)
def test_an_assertion_is_proposed_that_the_answer_keeps(output: str, kind: str, value: str) -> None:
    assert proposed(output) == (kind, value)
