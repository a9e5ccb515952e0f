"""``/interview/``: questions made by fixed rules from changes, failures and trade-offs."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from prompts_app.models import Prompt
from prompts_app.tests.factories import VersionFactory
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import client_of
from prompts_app.tests.views.recorded import improved_prompt, practice_run, public_prompt, recorded_run


@pytest.mark.django_db
class TestPage:
    def page(self, prompt: Prompt, client: Client | None = None) -> str:
        response = (client or Client()).get(f"{prompt.get_absolute_url()}interview/")
        assert response.status_code == 200
        return re.sub(r"</?bdi>", "", read_page(response))

    def test_questions_with_the_place_they_come_from(self) -> None:
        prompt = improved_prompt(deleted_runs=2)
        html = self.page(prompt)
        assert "Case 4 (“Case 4”) still fails on 2 of 2 models" in html
        assert "Case 7 (“Case 7”) still fails on 1 of 2 models" in html
        assert "9 of 10 may be anything from 60% to 98%" in html
        assert f'href="{prompt.get_absolute_url()}#failures"' in html

    def test_a_change_is_asked_about_and_compared(self) -> None:
        prompt = public_prompt()
        for number, text in ((1, "word " * 40), (2, "short")):
            messages = [{"role": "user", "content": text}]
            recorded_run(VersionFactory(prompt=prompt, number=number, messages=messages))
        html = self.page(prompt)
        assert "v2 dropped 40 words" in html
        assert f'href="{prompt.get_absolute_url()}compare/v1...v2/"' in html

    def test_a_case_that_the_newest_version_broke(self) -> None:
        prompt = public_prompt()
        for number, fails in ((1, [1, 2, 3]), (2, [5])):
            messages = [
                {"role": role, "content": f"{role} {number}"} for role in ("user", "assistant", "user")
            ][: number * 2 - 1]
            recorded_run(VersionFactory(prompt=prompt, number=number, messages=messages), fails=fails)
        html = self.page(prompt)
        assert "v2 puts a worked example before the question" in html
        assert "v2 broke case 5 (“Case 5”), which v1 passed" in html
        assert "Case 5 (“Case 5”) still fails" not in html

    def test_nothing_yet_and_practice_is_nothing(self) -> None:
        prompt = public_prompt()
        practice_run(VersionFactory(prompt=prompt))
        for client in (Client(), client_of(prompt.owner)):
            assert "Nothing is on record yet" in self.page(prompt, client)

    def test_markup_is_shown_not_run(self) -> None:
        prompt = public_prompt(title="<script>a</script>")
        for number, text in ((1, "<script>alert(1)</script> " * 20), (2, "short")):
            VersionFactory(prompt=prompt, number=number, messages=[{"role": "user", "content": text}])
        assert "<script>a" not in self.page(prompt)

    def test_private_is_its_authors_alone(self) -> None:
        prompt = improved_prompt(visibility="private")
        assert Client().get(f"{prompt.get_absolute_url()}interview/").status_code == 404
        assert "To ask" in self.page(prompt, client_of(prompt.owner))

    def test_more_cases_and_models_take_no_more_queries(self) -> None:
        counts = []
        for cases, models in ((5, 1), (100, 4)):
            prompt = public_prompt()
            for number in (1, 2):
                version = VersionFactory(prompt=prompt, number=number)
                for model in range(models):
                    recorded_run(version, f"m{model}", cases=cases, fails=range(1, cases))
            with CaptureQueriesContext(connection) as queries:
                self.page(prompt)
            counts.append(len(queries))
        assert counts[0] == counts[1]
