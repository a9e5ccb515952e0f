"""``/@handle/``: an employer knows within a minute what was built and how well it is tested."""

import json
import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from prompts_app.actions.prompts.save import delete_prompts
from prompts_app.actions.runs.counting import rebuild_evidence
from prompts_app.engine.stats import wilson
from prompts_app.evidence.number_format import date_range
from prompts_app.models import FormerHandle, Profile, Prompt, User
from prompts_app.tests.factories import VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice, bob, client_of, dana
from prompts_app.tests.views.recorded import (
    improved_prompt,
    practice_run,
    public_prompt,
    recorded_prompt,
    recorded_run,
    unjudged_run,
)

pytestmark = pytest.mark.django_db


def page(handle: str = "alice", client: Client | None = None, **query: Any) -> str:
    response = (client or Client()).get(f"/@{handle}/", query)
    assert response.status_code == 200
    return read_page(response)


def set_profile(user: User, **fields: Any) -> None:
    Profile.objects.filter(user=user).update(**fields)


def structured(html: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/ld\+json"[^>]*>(.*?)</script>', html, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def foot(html: str, section: str) -> list[str]:
    """The cells of the last line of a section's table."""
    line = html.partition(f'id="{section}"')[2].partition("<tfoot>")[2].partition("</tfoot>")[0]
    return [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", line)]


class TestIdentity:
    def test_name_headline_place_links_and_availability(self) -> None:
        set_profile(
            alice(),
            headline="Back-office prompts.",
            location="Lisbon",
            availability="From January",
            contact_email="hello@alice.example",
            links=[{"label": "Site", "url": "https://alice.example/"}],
            bio="Ten years of **bookkeeping**.",
        )
        html = page()
        for said in (
            "Alice Author", "Back-office prompts.", "Lisbon", "From January", 'href="https://alice.example/"',
            "mailto:hello@alice.example", "<strong>bookkeeping</strong>", "@alice",
        ):  # fmt: skip
            assert said in html, said

    def test_the_account_address_is_never_shown(self) -> None:
        assert "alice@example.com" not in page(alice().handle)

    @pytest.mark.parametrize(
        "url",
        ["javascript:alert(1)", "data:text/html,x", "//evil.example", "ftp://x", "http://[", "", "https://"],
    )
    def test_a_link_that_is_no_web_address_is_not_shown(self, url: str) -> None:
        set_profile(alice(), links=[{"label": "Odd one", "url": url}, "nonsense", {"label": "no url"}])
        assert "Odd one" not in page()

    def test_a_handle_stands_in_for_a_missing_name(self) -> None:
        set_profile(alice(), name="")
        assert "<bdi>alice</bdi>" in page()

    def test_sample_authors_say_so(self) -> None:
        alice()
        assert "Sample content" not in page()
        set_profile(alice(), is_sample=True)
        assert "Sample content, recorded by the Proofsheet maintainers" in page()

    def test_an_author_who_runs_the_server_says_so(self, settings: Any) -> None:
        alice()
        assert "operates this server" not in page()
        settings.OPERATOR_HANDLES = ["alice"]
        assert "The author also operates this server." in page()


class TestFigures:
    def test_199_of_200_is_not_all(self) -> None:
        recorded_prompt(owner=alice(), cases=200, fails=[7])
        assert "99%; 95% interval 97–99%" in page()

    def test_the_rows_a_figure_leads_to_say_the_same_number(self) -> None:
        improved_prompt(owner=alice())
        recorded_prompt(owner=alice(), cases=20, fails=[1, 2])
        recorded_run(VersionFactory(prompt=public_prompt(owner=alice(), deleted_runs=2)), errors=range(1, 11))
        html = page()
        assert ">5 runs</a>" in html
        assert "1 more ended without an answer; 2 more deleted" in html
        assert ">27 of 30</a>" in html
        assert ">$0.0011</a>" in html
        assert ">+70 points</a>" in html
        last = {name: foot(html, name) for name in ("all", "gains")}
        assert last["all"][:7] == ["All that is recorded here", "2 prompts", "27/30", "", "74–97%", "3", "5"]
        assert last["all"][8] == "$0.0011, 1.9 s"
        assert last["gains"] == ["Median", "", "", "+70", "–"]
        runs = re.findall(r'data-unit="runs?">(\d+)(, 2 deleted)?</td>', html.partition("<tfoot>")[0])
        assert sorted(runs) == [("0", ", 2 deleted"), ("1", ""), ("4", "")]

    def test_are_summed_over_prompts_and_computed_another_way(self) -> None:
        recorded_prompt(owner=alice(), cases=20, fails=[1, 2])
        improved_prompt(owner=alice())
        html = page()
        passed = sum(p.evidence["passed"] for p in Prompt.objects.all())
        cases = sum(p.evidence["cases"] for p in Prompt.objects.all())
        assert (passed, cases) == (18 + 9, 30)
        low, high = wilson(passed, cases)
        assert f">{passed} of {cases}</a>" in html
        assert f"90%; 95% interval {round(low * 100)}–{round(high * 100)}%" in html

    def test_every_figure_leads_to_its_rows(self) -> None:
        improved_prompt(owner=alice())
        html = page()
        strip = html.partition('<dl class="figures">')[2].partition("</dl>")[0]
        links = re.findall(r'href="#(\w+)"', strip)
        assert len(links) == 8  # no tokens were saved
        assert all(f'id="{target}"' in html for target in links)

    def test_runs_of_a_deleted_prompt_stay_counted_where_others_could_see_them(self) -> None:
        improved_prompt(owner=alice())
        seen, never = improved_prompt(owner=alice(), deleted_runs=2), improved_prompt(owner=alice())
        Prompt.objects.filter(pk=never.pk).update(visibility="private", seen_since=None)
        runs = seen.runs.count()
        for prompt in (seen, never):
            delete_prompts(alice(), list(Prompt.objects.filter(pk=prompt.pk)))
        assert f"{runs + 2} more deleted by the author" in page()

    def test_runs_are_counted_deleted_ones_too(self) -> None:
        improved_prompt(owner=alice(), deleted_runs=2)
        html = page()
        assert ">4 runs</a>" in html
        assert "2 more deleted by the author" in html

    def test_none_deleted_is_said(self) -> None:
        recorded_prompt(owner=alice())
        assert "none deleted" in page()

    def test_the_median_cost_is_of_the_models_that_pass_the_cases(self) -> None:
        """Not of a cheaper one that stands in the table: each prompt counts with its main model."""
        for cost in (Decimal("0.001"), Decimal("0.003"), None):
            version = VersionFactory(prompt=public_prompt(owner=alice()))
            recorded_run(version, "main", cost=cost)
            recorded_run(version, "cheap", cost=Decimal("0.00000001"))
        html = page()
        assert ">$0.0020</a>" in html
        assert "over 3 prompts, each on its main model; unknown for 1" in html
        assert foot(html, "all")[8] == "$0.0020, 1.9 s"

    def test_a_cost_unknown_for_one_prompt_is_not_called_known(self) -> None:
        """Though another prompt's cost on the same model is known."""
        recorded_prompt(owner=alice())
        recorded_run(VersionFactory(prompt=public_prompt(owner=alice())), cost=None)
        strip = page().partition('<dl class="figures">')[2].partition("</dl>")[0]
        assert "over 2 prompts, each on its main model; unknown for 1" in strip
        assert "known on all" not in strip

    def test_a_cost_nobody_knows_is_unknown(self) -> None:
        recorded_run(VersionFactory(prompt=public_prompt(owner=alice())), cost=None)
        html = page()
        assert ">unknown</a>" in html
        assert ">$0" not in html

    def test_several_prompts_were_tested_over_a_range_of_days(self) -> None:
        for days in (0, 40):
            recorded_run(VersionFactory(prompt=public_prompt(owner=alice())), days_ago=days)
        first, last = sorted(
            prompt.last_tested_at for prompt in Prompt.objects.all() if prompt.last_tested_at
        )
        said = date_range(first, last)
        assert " to " in said
        assert page().count(f">{said}<") == 2, "in the strip, and in the last line of the table"

    def test_the_last_test_and_how_long_ago(self) -> None:
        recorded_run(VersionFactory(prompt=public_prompt(owner=alice())), days_ago=4)
        assert "4 days ago" in page()

    def test_imported_and_pasted_evidence_is_listed_but_not_summed(self) -> None:
        recorded_prompt(owner=alice(), cases=20)
        for source in ("imported", "pasted"):
            recorded_run(VersionFactory(prompt=public_prompt(owner=alice())), cases=50, source=source)
        html = page()
        assert ">20 of 20</a>" in html
        assert "50/50" in html
        assert "2 imported or pasted rows are not part of the figures" in html

    def test_a_newer_untested_version_is_not_called_current(self) -> None:
        prompt = recorded_prompt(owner=alice())
        assert "current versions" in page()
        VersionFactory(prompt=prompt, number=2)
        rebuild_evidence(prompt)
        assert "newest tested versions" in page()

    def test_practice_counts_nowhere(self) -> None:
        practice_run(VersionFactory(prompt=public_prompt(owner=alice())))
        html = page()
        assert 'class="figures"' not in html
        assert "practice" not in html
        assert "No run recorded by this server yet" in html

    def test_outputs_that_were_recorded_and_not_judged_are_not_said_to_be_none(self) -> None:
        unjudged_run(VersionFactory(prompt=public_prompt(owner=alice())))
        html = page()
        assert "1 run recorded by this server; it gives no pass rate below." in html
        assert "No run recorded" not in html

    def test_nor_are_runs_that_were_deleted(self) -> None:
        public_prompt(owner=alice(), deleted_runs=2)
        assert "No run recorded by this server is left; 2 deleted by the author." in page()

    def test_what_is_not_public_is_in_no_figure(self) -> None:
        recorded_prompt(owner=alice(), cases=10)
        for visibility in ("private", "unlisted"):
            recorded_prompt(
                owner=alice(), cases=90, model="secret-model", visibility=visibility, deleted_runs=7
            )
        recorded_prompt(owner=dana(), cases=70)
        html = page()
        assert ">10 of 10</a>" in html
        assert ">1 run</a>" in html
        assert "secret-model" not in html
        assert "none deleted" in html


class TestWork:
    def test_pinned_first_in_the_authors_order_with_strip_and_line(self) -> None:
        improved_prompt(owner=alice(), title="Second choice", pin_position=2)
        recorded_prompt(owner=alice(), title="First choice", pin_position=1, cases=5)
        recorded_prompt(owner=alice(), title="Not chosen")
        html = page()
        chosen = html.partition("Chosen work")[2].partition("</section>")[0]
        assert chosen.index("First choice") < chosen.index("Second choice")
        assert "Not chosen" not in chosen
        assert "From 2/10 (6–51%) for v1, on the same cases." in chosen
        assert "Pass rate by version: v1 2/10, v2 6/10, v3 9/10" in chosen

    def test_no_chosen_work_no_section(self) -> None:
        recorded_prompt(owner=alice())
        assert "Chosen work" not in page()

    def test_the_table_has_all_best_first(self) -> None:
        recorded_prompt(owner=alice(), title="Fair", cases=30, fails=range(1, 11))
        recorded_prompt(owner=alice(), title="Good", cases=30)
        public_prompt(owner=alice(), title="Untested")
        table = page().partition('id="all"')[2]
        assert table.index("Good") < table.index("Fair") < table.index("Untested")
        assert "not tested yet" in table

    def test_a_private_prompt_is_not_there_not_even_for_its_author(self) -> None:
        for visibility in ("private", "unlisted"):
            recorded_prompt(owner=alice(), title="Hidden work", visibility=visibility, pin_position=1)
        for client in (Client(), client_of(bob()), client_of(alice())):
            assert "Hidden work" not in page(client=client)

    def test_the_author_finds_the_way_to_the_studio(self) -> None:
        alice()
        assert "Edit this profile" in page(client=client_of(alice()))
        assert "Edit this profile" not in page(client=client_of(bob()))

    def test_models_and_tasks(self) -> None:
        improved_prompt(owner=alice(), task="extraction")
        html = page().partition('id="models"')[2]
        assert "9/10" in html.partition("main-model")[2].partition("</tr>")[0]
        assert "7/9" in html.partition("small-model")[2].partition("</tr>")[0]
        assert "unknown" in html.partition("small-model")[2].partition("</tr>")[0]
        assert 'href="/prompts/?task=extraction"' in html


class TestWithoutWork:
    def test_is_a_dignified_page(self) -> None:
        html = page(alice().handle)
        assert "<bdi>Alice Author</bdi> has published no prompt yet." in html
        assert "An empty contact strip" in html
        assert "In figures" not in html

    def test_is_not_indexed(self) -> None:
        html = page(alice().handle)
        assert 'content="noindex, follow"' in html
        assert "ld+json" not in html

    def test_untested_work_shows_no_figure(self) -> None:
        public_prompt(owner=alice())
        html = page()
        assert "No run recorded by this server yet" in html
        assert "0 of 0" not in html


class TestWhoMaySee:
    def test_nobody_there_is_404(self) -> None:
        assert Client().get("/@nobody/").status_code == 404

    def test_private_is_404_for_all_but_its_owner(self) -> None:
        set_profile(alice(), visibility="private")
        assert Client().get("/@alice/").status_code == 404
        assert client_of(bob()).get("/@alice/").status_code == 404
        assert client_of(alice()).get("/@alice/").status_code == 200

    def test_unlisted_is_shown_but_kept_and_indexed_by_nobody(self) -> None:
        recorded_prompt(owner=alice())
        set_profile(alice(), visibility="unlisted")
        response = Client().get("/@alice/")
        assert response.status_code == 200
        assert response.headers["Cache-Control"] == "private, no-store"
        assert response.headers["X-Robots-Tag"] == "noindex"
        assert "noindex" in read_page(response)

    def test_a_capital_letter_and_a_former_handle_lead_here(self) -> None:
        FormerHandle.objects.create(handle="alicia", user=alice())
        for old in ("Alice", "alicia", "ALICIA"):
            response = Client().get(f"/@{old}/?page=2")
            assert response.status_code == 301
            assert response.headers["Location"] == "/@alice/?page=2"

    def test_a_former_handle_of_a_private_author_is_404(self) -> None:
        FormerHandle.objects.create(handle="alicia", user=alice())
        set_profile(alice(), visibility="private")
        assert Client().get("/@alicia/").status_code == 404


class TestLinkPreview:
    def test_title_description_and_open_graph(self) -> None:
        recorded_prompt(owner=alice(), cases=25, fails=[1])
        set_profile(alice(), headline="Back-office prompts.")
        html = page()
        assert "<title>Alice Author (@alice) · Proofsheet</title>" in html
        description = "Back-office prompts. 1 prompt. 24 of 25 cases pass, recorded on one model."
        assert f'<meta name="description" content="{description}">' in html
        for name, value in {
            "og:title": "Alice Author (@alice)",
            "og:type": "profile",
            "og:url": "http://127.0.0.1:8000/@alice/",
            "og:description": description,
        }.items():
            assert f'<meta property="{name}" content="{value}">' in html
        assert '<link rel="canonical" href="http://127.0.0.1:8000/@alice/">' in html
        assert 'content="summary_large_image"' in html

    def test_structured_data(self) -> None:
        recorded_prompt(owner=alice())
        set_profile(alice(), links=[{"label": "Site", "url": "https://alice.example/"}])
        data = structured(page())
        assert data["@type"] == "ProfilePage"
        assert data["mainEntity"]["name"] == "Alice Author"
        assert data["mainEntity"]["sameAs"] == ["https://alice.example/"]

    def test_a_name_cannot_end_the_script(self) -> None:
        recorded_prompt(owner=alice())
        set_profile(alice(), name="</script><script>alert(1)</script>")
        html = page()
        assert "<script>alert(1)" not in html
        assert structured(html)["mainEntity"]["name"] == "</script><script>alert(1)</script>"


def test_pages_of_fifty() -> None:
    for _ in range(51):
        public_prompt(owner=alice())
    assert "1 to 50 of 51" in page()
    html = page(page=2)
    assert "51 to 51 of 51" in html
    assert "noindex" in html
