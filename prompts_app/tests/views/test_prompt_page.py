"""``/@handle/slug/``: the case study, computed from rows, failures first; ``/v<n>/``: one version of it."""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from prompts_app.actions.runs.counting import rebuild_evidence
from prompts_app.models import FormerHandle, FormerSlug, Prompt, Result, Tag, User
from prompts_app.tests.factories import VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, bob, client_of, dana
from prompts_app.tests.views.recorded import (
    improved_prompt,
    practice_run,
    public_prompt,
    recorded_prompt,
    recorded_run,
    suite_of,
)

pytestmark = pytest.mark.django_db


def page(prompt: Prompt, client: Client | None = None, rest: str = "", **query: Any) -> str:
    response = (client or Client()).get(prompt.get_absolute_url() + rest, query)
    assert response.status_code == 200
    return read_page(response)


def section(html: str, name: str) -> str:
    return html.partition(f'id="{name}"')[2].partition("</section>")[0]


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", "", html.replace("</dt>", "</dt> ")).split())


def headline(html: str) -> str:
    return text_of(html.partition('<p class="headline">')[2].partition("</p>")[0])


class TestHeadline:
    def test_says_what_passes_since_when_on_how_many_models(self) -> None:
        html = page(improved_prompt())
        assert headline(html) == (
            "9 of 10 cases pass on main-model (60–98%), up from 2 of 10 for v1; "
            "lowest of 2 models is small-model, 7 of 9."
        )

    def test_untested_is_said_not_shown_as_zero(self) -> None:
        prompt = public_prompt(summary="Reads invoices.")
        VersionFactory(prompt=prompt)
        html = page(prompt)
        assert headline(html) == "Reads invoices."
        assert "not tested yet" in html
        assert "0/0" not in html
        assert 'id="sheet"' not in html

    def test_deleting_every_run_does_not_make_it_untested(self) -> None:
        prompt = public_prompt(deleted_runs=3)
        VersionFactory(prompt=prompt, first_run_at=timezone.now())
        for rest in ("", "results/", "badge.svg"):
            html = page(prompt, rest=rest).lower()
            assert "no run that counts, 3 deleted by the author" in html, rest
            assert "not tested yet" not in html, rest
        assert "No run of this version counts" in page(prompt, rest="v1/")

    def test_a_prompt_without_a_version(self) -> None:
        html = page(public_prompt())
        assert "no version yet" in html
        assert "Copy prompt" not in html

    def test_a_newer_version_without_a_test_is_named(self) -> None:
        prompt = improved_prompt()
        VersionFactory(prompt=prompt, number=4)
        rebuild_evidence(prompt)
        html = page(prompt)
        assert "The newest version, v4, is not tested yet." in text_of(html)
        assert "The figures on this page are those of v3." in text_of(html)

    def test_tokens_saved_at_the_same_pass_rate(self) -> None:
        prompt = public_prompt()
        for number, tokens in ((1, 200), (2, 108)):
            run = recorded_run(VersionFactory(prompt=prompt, number=number), fails=[1])
            Result.objects.filter(run=run).update(tokens_in=tokens)
            run.tokens_in_median = tokens
            run.save()
        rebuild_evidence(prompt)
        assert "46% fewer tokens than v1 at the same pass rate" in headline(page(prompt))

    def test_different_cases_are_never_compared(self) -> None:
        prompt = public_prompt()
        recorded_run(VersionFactory(prompt=prompt, number=1), fails=[1, 2])
        recorded_run(VersionFactory(prompt=prompt, number=2), suite=suite_of(12, "New"))
        html = page(prompt)
        assert "the cases have changed since v1" in headline(html)
        assert "up from" not in html
        assert (
            "fixed 0, broke 0 against v1; the cases changed, so only the 0 both ran are counted"
            in text_of(html)
        )


class TestSheet:
    def test_one_frame_a_case_baseline_first(self) -> None:
        html = section(page(improved_prompt()), "sheet")
        rows = html.split('<ol class="frames"')[1:]
        assert len(rows) == 3
        assert 'aria-label="v1 on main-model, cases 1 to 10"' in rows[0]
        assert rows[0].count('class="fail"') == 8
        assert rows[1].count('class="fail"') == 1
        assert rows[2].count('class="error"') == 1

    def test_a_cross_opens_the_failure(self) -> None:
        prompt = improved_prompt()
        html = page(prompt)
        assert '<a href="#case-4">4 failed</a>' in html
        assert 'id="case-4"' in html
        failed = Result.objects.get(run__version__number=1, case_index=0)
        assert f'<a href="results/{failed.public_id}/">1 failed</a>' in html

    def test_the_chosen_baseline_comes_before_the_first_version(self) -> None:
        prompt = improved_prompt()
        prompt.baseline = prompt.versions.get(number=2)
        prompt.save()
        rebuild_evidence(prompt)
        html = page(prompt)
        assert "up from 6 of 10 for v2" in headline(html)
        assert "v2 on main-model" in section(html, "sheet")


class TestFailures:
    def test_are_open_with_expected_got_repeats_time_and_a_link(self) -> None:
        prompt = public_prompt()
        run = recorded_run(VersionFactory(prompt=prompt), cases=5, fails=[2], repeats=3)
        Result.objects.filter(run=run, case_index=1, repeat=2).update(passed=True)
        html = section(page(prompt), "failures")
        open_part = html.partition("<details")[0]
        result = Result.objects.get(run=run, case_index=1, repeat=0)
        for said in (
            f'href="results/{result.public_id}/"',
            "<b>2</b> <bdi>Case 2</bdi>",
            "contains yes",
            "“yes” is missing",
            "PAID, wrong output of case 2",
            ">1/3, 1 distinct output<",
            "1.9 s",
        ):
            assert said in open_part, said

    def test_what_should_not_be_there_is_underlined(self) -> None:
        prompt = public_prompt()
        run = recorded_run(VersionFactory(prompt=prompt), fails=[1])
        Result.objects.filter(run=run, case_index=0).update(
            checks=[
                {
                    "type": "not-contains",
                    "value": "PAID",
                    "passed": False,
                    "score": 0,
                    "reason": "it is there",
                }
            ]
        )
        assert '<span class="hit">PAID</span>, wrong output' in section(page(prompt), "failures")

    def test_cases_that_fail_on_most_models_come_first(self) -> None:
        html = section(page(improved_prompt()), "failures")
        assert [int(n) for n in re.findall(r"<b>(\d+)</b> <bdi>Case", html.partition("<details")[0])] == [
            4,
            4,
            7,
        ]

    def test_passes_are_folded_and_lead_to_their_results(self) -> None:
        prompt = recorded_prompt(cases=5, fails=[1])
        html = section(page(prompt), "failures")
        folded = html.partition("4 that pass")[2]
        assert len(re.findall(r'href="results/\w+/"', folded)) == 4

    def test_no_answer_is_counted_apart_with_the_faults_label(self) -> None:
        html = section(page(improved_prompt()), "failures")
        assert "3 of 19 case results fail, 16 pass, 1 got no answer and is not counted." in text_of(html)
        assert "too many requests" in html

    def test_none_is_said(self) -> None:
        html = section(page(recorded_prompt(cases=4)), "failures")
        assert "No failure among the 4 case results of this version." in html

    def test_many_are_paged_and_the_whole_list_is_a_click_away(self) -> None:
        prompt = recorded_prompt(cases=70, fails=range(1, 66))
        html = section(page(prompt), "failures")
        assert len(re.findall("<b>\\d+</b> <bdi>Case", html.partition("<details")[0])) == 30
        assert "35 more failures" in html
        last = section(page(prompt, show="all", page="3"), "failures")
        assert "61 to 65 of 65" in last
        assert "<bdi>Case 65</bdi>" in last

    @pytest.mark.parametrize(("show", "said"), [("passes", "1 to 7 of 7"), ("errors", "1 to 1 of 1")])
    def test_passes_and_errors_can_be_listed(self, show: str, said: str) -> None:
        prompt = public_prompt()
        recorded_run(VersionFactory(prompt=prompt), fails=[1, 2], errors=[3])
        html = page(prompt, show=show)
        assert said in html
        assert 'content="noindex"' in html

    @pytest.mark.parametrize(
        "query", [{"show": "x"}, {"page": "-1"}, {"show": "all", "page": "\x00"}, {"show": "\x00"}]
    )
    def test_odd_pages_are_harmless(self, query: dict[str, str]) -> None:
        assert "Failures" in page(recorded_prompt(fails=[1]), None, "", **query)


class TestText:
    def test_messages_with_variables_marked(self) -> None:
        html = section(page(recorded_prompt()), "prompt")
        assert 'Say <var class="var">{{word}}</var>.' in html
        assert 'data-copy="m1"' in html

    def test_the_form_starts_with_the_values_of_case_one(self) -> None:
        html = section(page(recorded_prompt()), "prompt")
        assert 'name="var.word" value="value 1"' in html
        assert "those of case 1" in html

    def test_filling_in_works_without_a_script_and_keeps_nothing(self) -> None:
        prompt = recorded_prompt()
        response = Client().get(
            prompt.get_absolute_url(), {"fill": "1", "var.word": "<b>ja & nein</b>\u202e"}
        )
        html = read_page(response)
        assert "Say &lt;b&gt;ja &amp; nein&lt;/b&gt;<span" in html.partition('id="filled-text"')[2]
        assert "\u202e" not in html
        assert not response.cookies
        assert 'content="noindex"' in html

    @pytest.mark.parametrize("value", ["", "\x00", "{{word}}", "x" * 5000, "مرحبا"])
    def test_any_value_may_be_filled_in(self, value: str) -> None:
        assert "Filled in" in page(
            recorded_prompt(), None, "", **{"fill": "1", "var.word": value, "var.other": "x"}
        )

    def test_a_value_the_prompt_cannot_use_is_told_and_kept(self) -> None:
        prompt = public_prompt()
        VersionFactory(prompt=prompt, messages=[{"role": "user", "content": "All: {{ items | join(', ') }}"}])
        html = page(prompt, None, "", **{"fill": "1", "var.items": "not a list"})
        assert "The filter “join” needs a list." in html
        assert 'value="not a list"' in html

    def test_a_hidden_character_is_shown(self) -> None:
        prompt = public_prompt()
        VersionFactory(prompt=prompt, messages=[{"role": "user", "content": "Be\u200b kind."}], variables=[])
        assert 'Be<span class="esc">U+200B</span> kind.' in page(prompt)

    def test_a_very_long_prompt_is_cut_and_says_where_all_of_it_is(self) -> None:
        prompt = public_prompt()
        VersionFactory(prompt=prompt, messages=[{"role": "user", "content": "word " * 20_000}], variables=[])
        html = page(prompt)
        assert "longer than a page shows" in html
        assert len(html) < 80_000


class TestSections:
    def test_the_authors_sections_only_where_there_is_text(self) -> None:
        prompt = recorded_prompt(
            situation="900 invoices **a month**.",
            constraints="- JSON only",
            impact_kind="estimated",
            impact="12 h.",
            limits="No images.",
        )
        html = page(prompt)
        for said in (
            "<strong>a month</strong>",
            "<li>JSON only</li>",
            "Impact, estimated",
            "12 h.",
            "No images.",
        ):
            assert said in html, said
        bare = page(recorded_prompt())
        assert "Constraints" not in bare
        assert "None measured yet." in bare

    def test_markdown_cannot_run_or_load_anything(self) -> None:
        html = page(
            recorded_prompt(
                situation="<script>alert(1)</script> ![x](https://evil.example/x.png) [a](javascript:b)"
            )
        )
        assert "<script>alert" not in html
        assert 'src="https://evil' not in html
        assert 'href="javascript' not in html

    def test_models_with_interval_level_cost_time_and_tokens(self) -> None:
        html = section(page(improved_prompt()), "models")
        first, second = html.partition('class="stacks"')[2].split("<tr>")[2:]
        for said in ("main-model", "9/10", "60–98%", "recorded", "$0.0011", "1.9 s", "100, 20"):
            assert said in first, said
        assert "unknown" in second

    def test_the_story_newest_first_with_effects(self) -> None:
        html = section(page(improved_prompt()), "versions")
        assert [s.strip() for s in re.findall(r'class="v"[^>]*>(v\d)<', html)] == ["v3", "v2", "v1"]
        assert "9/10 60–98%" in text_of(html)
        assert "fixed 3, broke 0 against v2" in text_of(html)
        assert "fixed 4, broke 0 against v1" in text_of(html)
        assert "They were half of the tokens." in html

    def test_how_we_know(self) -> None:
        prompt = improved_prompt(deleted_runs=3)
        html = text_of(section(page(prompt), "evidence"))
        for said in (
            "This server made the call and recorded the answer.", "Asked for main-model",
            "Named in the answers main-model-2026", "Answers 10 of 10", "4 count, 3 deleted by the author",
            "not known to be the author’s own",
        ):  # fmt: skip
            assert said in html, said

    def test_a_run_that_was_cancelled_is_told_though_it_counts_for_nothing(self) -> None:
        """Else who sees it go badly cancels it, and the page is clean."""
        prompt = improved_prompt()
        for state, cases in (("cancelled", 4), ("capped", 2), ("cancelled", 0), ("running", 3)):
            run = recorded_run(prompt.versions.get(number=3), cases=cases, fails=range(1, cases + 1))
            prompt.runs.filter(pk=run.pk).update(state=state)
        practice_run(prompt.versions.get(number=3))
        rebuild_evidence(prompt)
        assert "4 count, 2 ended early and do not, none deleted" in text_of(section(page(prompt), "evidence"))

    def test_also_where_no_run_counts(self) -> None:
        prompt = recorded_prompt(owner=alice())
        prompt.runs.update(state="cancelled")
        rebuild_evidence(prompt)
        html = text_of(page(prompt))
        assert "no run that counts, 1 ended early" in html
        assert "not tested yet" not in html.lower()

    def test_an_operators_own_prompt_says_so(self, settings: Any) -> None:
        settings.OPERATOR_HANDLES = ["alice"]
        assert "The author also operates this server." in page(recorded_prompt(owner=alice()))

    def test_a_superusers_prompt_says_so_without_a_setting(self) -> None:
        User.objects.filter(pk=alice().pk).update(is_superuser=True)
        assert "The author also operates this server." in page(recorded_prompt(owner=alice()))

    def test_that_work_is_original_is_not_claimed(self) -> None:
        """The site knows what was forked here, and nothing of where else a text may be from."""
        html = page(recorded_prompt())
        assert "nothing on this site" in section(html, "limits")
        assert "original" not in html

    def test_what_the_author_calls_the_endpoint_and_its_path_stay_with_them(self) -> None:
        prompt = public_prompt()
        url = "http://10.0.0.7:8080/team-key-123/v1"
        recorded_run(VersionFactory(prompt=prompt), endpoint_name="Cellar box", endpoint_url=url)
        html = page(prompt)
        assert "Cellar box" not in html
        assert "team-key" not in html

    def test_tags_and_task_lead_to_their_lists(self) -> None:
        prompt = recorded_prompt(task="code")
        prompt.tags.add(Tag.objects.create(name="c++"))
        html = page(prompt)
        assert 'href="/prompts/?task=code"' in html
        assert 'href="/prompts/?tag=c%2B%2B"' in html

    def test_practice_is_nowhere(self) -> None:
        prompt = public_prompt()
        practice_run(VersionFactory(prompt=prompt))
        for client in (Client(), client_of(prompt.owner)):
            html = page(prompt, client)
            assert "not tested yet" in html
            assert "PAID" not in html


class TestLineage:
    def test_source_and_forks_are_named(self) -> None:
        source = recorded_prompt(title="Mother", owner=alice())
        fork = recorded_prompt(title="Daughter", owner=dana(), forked_from=source.versions.get())
        assert "Mother" in section(page(fork), "limits")
        assert "Daughter" in section(page(source), "limits")

    def test_a_source_that_is_not_public_is_not_named(self) -> None:
        source = recorded_prompt(title="Mother", owner=alice(), visibility="private")
        fork = recorded_prompt(owner=dana(), forked_from=source.versions.get())
        html = page(fork)
        assert "Mother" not in html
        assert "a prompt that is no longer public" in html

    @pytest.mark.parametrize("visibility", ["private", "unlisted"])
    def test_a_fork_that_is_not_public_is_not_named(self, visibility: str) -> None:
        source = recorded_prompt(owner=alice())
        recorded_prompt(title="Daughter", forked_from=source.versions.get(), visibility=visibility)
        assert "Daughter" not in page(source)


class TestWhoMaySee:
    def test_private_is_404_for_all_but_its_owner(self) -> None:
        prompt = recorded_prompt(owner=alice(), visibility="private")
        for rest in ("", "v1/", f"results/{Result.objects.all()[0].public_id}/"):
            address = prompt.get_absolute_url() + rest
            assert Client().get(address).status_code == 404
            assert client_of(bob()).get(address).status_code == 404
            assert client_of(alice()).get(address).status_code == 200

    def test_unlisted_opens_but_is_kept_and_indexed_by_nobody(self) -> None:
        prompt = recorded_prompt(visibility="unlisted")
        for rest in ("", "v1/"):
            response = Client().get(prompt.get_absolute_url() + rest)
            assert response.status_code == 200
            assert response.headers["Cache-Control"] == "private, no-store"
            assert response.headers["X-Robots-Tag"] == "noindex"
            assert "noindex" in read_page(response)
            assert "ld+json" not in read_page(response)

    def test_unpublishing_works_at_once(self) -> None:
        prompt = recorded_prompt()
        client = Client()
        first = client.get(prompt.get_absolute_url())
        Prompt.objects.update(visibility="private")
        again = client.get(prompt.get_absolute_url(), headers={"If-None-Match": first.headers["ETag"]})
        assert again.status_code == 404

    def test_the_owner_is_told_who_can_see_it_and_gets_to_the_studio(self) -> None:
        prompt = recorded_prompt(owner=alice(), visibility="unlisted")
        html = page(prompt, client_of(alice()))
        assert "Unlisted: whoever has the address" in html
        assert "Edit in the studio" in html
        assert "Edit in the studio" not in page(prompt)

    def test_former_handles_and_slugs_lead_here(self) -> None:
        prompt = recorded_prompt(owner=alice(), slug="new-name")
        FormerHandle.objects.create(handle="alicia", user=alice())
        FormerSlug.objects.create(owner=alice(), slug="old-name", prompt=prompt)
        for old, new in {
            "/@alicia/old-name/?show=all": "/@alice/new-name/?show=all",
            "/@Alice/new-name/": "/@alice/new-name/",
            "/@alice/old-name/v1/": "/@alice/new-name/v1/",
            "/@alicia/new-name.md": "/@alice/new-name.md",
            "/@alicia/old-name.json": "/@alice/new-name.json",
        }.items():
            response = Client().get(old)
            assert response.status_code == 301, old
            assert response.headers["Location"] == new

    def test_a_former_slug_of_a_private_prompt_is_404(self) -> None:
        prompt = recorded_prompt(owner=alice(), visibility="private")
        FormerSlug.objects.create(owner=alice(), slug="old-name", prompt=prompt)
        assert Client().get("/@alice/old-name/").status_code == 404


class TestVersionPage:
    def test_shows_its_own_text_note_runs_and_failures(self) -> None:
        html = page(improved_prompt(), None, "v2/")
        assert "One JSON object." in html
        assert "6/10" in section(html, "runs")
        assert "4 of 10 case results fail." in text_of(section(html, "failures"))
        assert re.search(r'href="\.\./results/\w+/"', html)

    def test_shows_what_changed_since_the_version_before(self) -> None:
        prompt = public_prompt()
        VersionFactory(prompt=prompt, number=1, messages=[{"role": "user", "content": "Answer in prose."}])
        VersionFactory(prompt=prompt, number=2, messages=[{"role": "user", "content": "Answer in <JSON>."}])
        html = section(page(prompt, None, "v2/"), "changes")
        assert '<del class="del">prose</del>' in html
        assert '<ins class="ins">&lt;JSON&gt;</ins>' in html
        assert 'id="changes"' not in page(prompt, None, "v1/")

    def test_an_untested_version_says_so(self) -> None:
        prompt = public_prompt()
        version = VersionFactory(prompt=prompt)
        practice_run(version)
        html = page(prompt, None, "v1/")
        assert "This version is not tested yet: there is no output of it." in html
        assert "PAID" not in html

    @pytest.mark.parametrize("number", ["0", "4", "99999999999999999999"])
    def test_a_version_that_is_not_there_is_404(self, number: str) -> None:
        assert Client().get(f"{improved_prompt().get_absolute_url()}v{number}/").status_code == 404


class TestLinkPreview:
    def test_a_long_title_goes_without_the_sites_name(self) -> None:
        title = "Pharmacy desk that knows what not to answer at all"
        html = page(recorded_prompt(owner=alice(), title=title))
        assert f"<title>{title} by Alice Author</title>" in html

    def test_title_description_and_alternates(self) -> None:
        prompt = recorded_prompt(
            title="Invoice reader", summary="Reads invoices.", owner=alice(), slug="reader"
        )
        html = page(prompt)
        assert "<title>Invoice reader by Alice Author · Proofsheet</title>" in html
        described = "Reads invoices. 10 of 10 cases pass on test-model (72–100%)."
        assert f'<meta name="description" content="{described}">' in html
        assert '<link rel="canonical" href="http://127.0.0.1:8000/@alice/reader/">' in html
        assert 'type="text/markdown" href="/@alice/reader.md"' in html

    def test_a_title_cannot_end_the_script(self) -> None:
        html = page(recorded_prompt(title="</script><script>alert(1)</script>"))
        assert "<script>alert" not in html


class TestSize:
    def test_twelve_versions_eight_models_two_hundred_cases_stay_small(self) -> None:
        prompt = public_prompt()
        suite = suite_of(200, "A case with a rather long name")
        for number in range(1, 13):
            version = VersionFactory(prompt=prompt, number=number, note=f"Change {number}.")
            for model in range(8 if number == 12 else 1):
                recorded_run(version, f"model-{model}", fails=range(1, 120 + number), suite=suite)
        for rest, query in (("", {}), ("", {"show": "passes"}), ("v12/", {})):
            assert len(page(prompt, None, rest, **query).encode()) < 150_000
