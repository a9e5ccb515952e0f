"""An agent skill: brought in as a folder, run with and without, told what it gains, taken out again."""

import io
import json
import zipfile
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils.html import strip_tags

from prompts_app.actions.runs import lifecycle as runs
from prompts_app.actions.runs.batches import BatchPlan
from prompts_app.actions.runs.execute import execute_run
from prompts_app.forms.evidence import RunForm
from prompts_app.models import Case, Prompt
from prompts_app.models.visibility import Visibility
from prompts_app.tests.actions.running import at
from prompts_app.tests.engine.formats.test_skill import SKILL, packed
from prompts_app.tests.engine.servers import answering, completion, http
from prompts_app.tests.pages import read_page
from prompts_app.tests.people import alice

EVALS = {
    "skill_name": "pdf-forms",
    "evals": [
        {"id": 1, "prompt": "Fill it.", "files": [], "assertions": [{"type": "contains", "value": "yes"}]},
        {"id": 2, "prompt": "Again.", "files": [], "assertions": [{"type": "contains", "value": "yes"}]},
    ],
}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def author() -> Client:
    client = Client()
    client.force_login(alice())
    return client


def brought_in(author: Client) -> Prompt:
    data = packed({"SKILL.md": SKILL, "evals/evals.json": json.dumps(EVALS), "references/a.md": "# A"})
    upload = SimpleUploadedFile("pdf-forms.zip", data)
    preview = author.post("/studio/import/", {"file": upload}, follow=True)
    assert "references/a.md" in read_page(preview)
    assert author.post(preview.redirect_chain[-1][0], {"action": "import"}, follow=True).status_code == 200
    return Prompt.objects.get()


def run_both(prompt: Prompt, *texts: str) -> None:
    with answering(*(http(200, completion(text)) for text in texts)) as server:
        versions = list(prompt.versions.order_by("number"))
        batch = runs.start_batch(prompt, BatchPlan(versions, at(server), ["tiny-1"]))
        for run in batch.runs.order_by("pk"):
            assert execute_run(run.pk)
        asked: list[Any] = [one.json["messages"] for one in server.asked]
    assert sorted([message["role"] for message in one] for one in asked) == [
        ["system", "user"], ["system", "user"], ["user"], ["user"],
    ]  # fmt: skip
    assert {one[0]["content"] for one in asked if len(one) == 2} == {SKILL}


def test_a_folder_becomes_a_skill_with_its_evals_as_cases_and_a_baseline(author: Client) -> None:
    prompt = brought_in(author)
    assert (prompt.title, prompt.task, prompt.licence) == ("pdf-forms", "skill", "MIT")
    assert prompt.baseline is not None
    assert (prompt.baseline.number, prompt.baseline.note[:17]) == (1, "Without the skill")
    assert list(Case.objects.order_by("position").values_list("name", flat=True)) == ["Eval 1", "Eval 2"]


def test_it_is_run_with_and_without_unless_one_says_otherwise(author: Client) -> None:
    prompt = brought_in(author)
    assert RunForm(prompt=prompt)["versions"].value() == [2, 1]


def test_the_page_says_what_the_skill_gains(author: Client, settings: Any) -> None:
    settings.ENDPOINT_CONCURRENCY = 1
    prompt = brought_in(author)
    run_both(prompt, "no", "yes", "yes", "yes")
    prompt = Prompt.objects.get()
    prompt.visibility = Visibility.PUBLIC
    prompt.save()
    page = " ".join(read_page(Client().get(prompt.get_absolute_url())).split())
    said = " ".join(strip_tags(page).split())
    assert "2 of 2 cases pass on tiny-1 (own server) (34–100%), up from 1 of 2 without the skill." in said
    assert "v1, without the skill" in said
    assert "Without and with the skill" in page


def test_it_comes_out_as_the_folder_it_was(author: Client) -> None:
    prompt = brought_in(author)
    answer = author.get(f"{prompt.get_absolute_url().rstrip('/')}.skill.zip")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.read("pdf-forms/SKILL.md").decode() == SKILL
    assert json.loads(archive.read("pdf-forms/evals/evals.json")) == EVALS
    assert ".skill.zip" in read_page(author.get(prompt.get_absolute_url()))


def test_what_is_no_skill_any_more_has_no_folder(author: Client) -> None:
    prompt = brought_in(author)
    prompt.versions.create(number=3, messages=[{"role": "user", "content": "Hello"}])
    assert author.get(f"{prompt.get_absolute_url().rstrip('/')}.skill.zip").status_code == 404
