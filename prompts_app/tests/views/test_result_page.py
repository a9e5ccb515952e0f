"""``/@handle/slug/results/id/``: one result for good, with everything that was recorded of it."""

import pytest
from django.test import Client

from prompts_app.models import Prompt, Result
from prompts_app.tests.factories import VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, bob, client_of, dana
from prompts_app.tests.views.recorded import practice_run, public_prompt, recorded_prompt, recorded_run

pytestmark = pytest.mark.django_db


def address(result: Result) -> str:
    return result.get_absolute_url()


def page(result: Result, client: Client | None = None) -> str:
    response = (client or Client()).get(address(result))
    assert response.status_code == 200
    return read_page(response)


def result_of(prompt: Prompt, number: int = 1, repeat: int = 0) -> Result:
    return Result.objects.get(run__prompt=prompt, case_index=number - 1, repeat=repeat)


class TestContent:
    def test_request_output_assertions_and_what_the_provider_said(self) -> None:
        html = page(result_of(recorded_prompt(cases=5, fails=[2]), 2))
        for said in (
            "Case 2", "✗ Fails", "PAID, wrong output of case 2", "contains yes", "“yes” is missing",
            "Say 2.", "test-model-2026", "stop", "100 in, 20 out", "1.9 s", "$0.0011", "genai-prices 0.2.3",
            "resp-2-0", "case 2 of 5", "recorded", "This server made the call and recorded the answer.",
            "value 2",
        ):  # fmt: skip
            assert said in html, said

    @pytest.mark.parametrize("source", ["imported", "pasted"])
    def test_what_this_server_did_not_record_is_nowhere_called_recorded(self, source: str) -> None:
        prompt = public_prompt()
        recorded_run(VersionFactory(prompt=prompt), cases=1, source=source)
        html = page(result_of(prompt))
        assert "One output of" in html
        assert "recorded" not in html.lower()

    def test_its_author_puts_a_failure_on_the_shelf_from_beside_its_assertions(self) -> None:
        result = result_of(recorded_prompt(owner=alice(), fails=[1]))
        checks = page(result, client_of(alice())).partition('id="checks"')[2].partition("</section>")[0]
        assert "Put it on the failure shelf</a> with your diagnosis." in checks
        assert "failure shelf" not in page(result)

    def test_a_pass_says_so_and_keeps_its_reasons(self) -> None:
        html = page(result_of(recorded_prompt()))
        assert "✓ Passes" in html
        assert "“PAID” is not there" in html
        assert '<li class="fail">' not in html

    def test_no_answer_names_the_fault(self) -> None:
        prompt = public_prompt()
        recorded_run(VersionFactory(prompt=prompt), errors=[1])
        html = page(result_of(prompt))
        assert "No answer: too many requests." in html
        assert "slow down" in html

    def test_an_output_without_assertions_is_not_judged(self) -> None:
        result = result_of(recorded_prompt())
        Result.objects.filter(pk=result.pk).update(passed=None, checks=[])
        assert "Not judged" in page(result)

    def test_unknown_is_unknown(self) -> None:
        prompt = public_prompt()
        recorded_run(VersionFactory(prompt=prompt), cost=None)
        result = result_of(prompt)
        Result.objects.filter(pk=result.pk).update(tokens_in=None, latency_ms=None, response_id="")
        html = page(result)
        assert "<dd>unknown</dd>" in html
        assert "unknown in, 20 out" in html
        assert "not said" in html

    def test_markdown_is_rendered_in_a_fold_and_cannot_run(self) -> None:
        result = result_of(recorded_prompt())
        output = "# Big\n\n**bold** <script>alert(1)</script> ![x](https://evil.example/x.png)"
        Result.objects.filter(pk=result.pk).update(output=output)
        html = page(result)
        fold = html.partition("Read as Markdown")[2].partition("</details>")[0]
        assert "<strong>bold</strong>" in fold
        assert "<h3>Big</h3>" in fold
        assert "<script>alert" not in html
        assert 'src="https://evil' not in html

    def test_hidden_characters_are_marked(self) -> None:
        result = result_of(recorded_prompt())
        Result.objects.filter(pk=result.pk).update(output="a\u202eb\u0007c")
        html = page(result)
        assert 'a<span class="esc">U+202E</span>b<span class="esc">U+0007</span>c' in html

    def test_a_megabyte_of_output_is_shown_as_far_as_a_page_goes(self) -> None:
        result = result_of(recorded_prompt())
        Result.objects.filter(pk=result.pk).update(output="word " * 200_000)
        html = page(result)
        assert "Cut here" in html
        assert len(html) < 400_000

    def test_an_odd_request_is_no_error(self) -> None:
        result = result_of(recorded_prompt())
        for request in ({"messages": "text"}, {"messages": [1, {"content": [{"type": "text"}]}]}, ["x"], {}):
            Result.objects.filter(pk=result.pk).update(request=request)
            assert "The request" in page(result)

    def test_what_the_author_calls_the_endpoint_and_its_path_stay_with_them(self) -> None:
        prompt = public_prompt()
        url = "http://10.0.0.7:8080/team-key-123/v1"
        recorded_run(VersionFactory(prompt=prompt), endpoint_name="Cellar box", endpoint_url=url)
        html = page(result_of(prompt))
        assert "Cellar box" not in html
        assert "team-key" not in html


class TestNeighbours:
    def test_previous_and_next_within_the_run(self) -> None:
        prompt = public_prompt()
        recorded_run(VersionFactory(prompt=prompt), cases=3, repeats=2)
        first, second, last = result_of(prompt, 1), result_of(prompt, 1, 1), result_of(prompt, 3, 1)
        assert f'rel="next" href="{address(second)}"' in page(first)
        assert 'rel="prev"' not in page(first)
        assert f'rel="prev" href="{address(first)}"' in page(second)
        assert 'rel="next"' not in page(last)
        assert "2 of 6 in this run" in page(second)
        assert "repeat 2 of 2" in page(second)


class TestWhoMaySee:
    def test_practice_is_its_authors_alone_and_labelled(self) -> None:
        prompt = public_prompt(owner=alice())
        practice_run(VersionFactory(prompt=prompt))
        result = result_of(prompt)
        assert Client().get(address(result)).status_code == 404
        assert client_of(bob()).get(address(result)).status_code == 404
        html = page(result, client_of(alice()))
        assert "practice, not a model" in html
        assert "counts as no evidence" in html

    def test_another_prompts_address_does_not_show_it(self) -> None:
        mine, other = recorded_prompt(owner=alice()), recorded_prompt(owner=dana(), visibility="private")
        stolen = f"{mine.get_absolute_url()}results/{result_of(other).public_id}/"
        assert Client().get(stolen).status_code == 404

    def test_nothing_there_is_404(self) -> None:
        assert Client().get(f"{recorded_prompt().get_absolute_url()}results/nothing/").status_code == 404

    def test_it_is_not_indexed_but_may_be_linked_to(self) -> None:
        response = Client().get(address(result_of(recorded_prompt())))
        assert 'content="noindex"' in read_page(response)
        assert response.headers["Cache-Control"].startswith("public")

    def test_of_an_unlisted_prompt_it_is_kept_by_nobody(self) -> None:
        response = Client().get(address(result_of(recorded_prompt(visibility="unlisted"))))
        assert response.headers["Cache-Control"] == "private, no-store"
