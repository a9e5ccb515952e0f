"""Saving prompts: versions are never changed, addresses are promises, a stale edit is noticed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.access import Moved, prompt_visible_to
from prompts_app.actions.prompts.save import (
    NothingChanged,
    StaleEdit,
    check_can_take_slug,
    create_prompt,
    delete_prompts,
    delete_version,
    free_slug,
    save_details,
    save_version,
)
from prompts_app.engine.errors import Refused
from prompts_app.engine.types import Message, PromptContent, Variable
from prompts_app.models import Draft, FormerSlug, Prompt, Run, SearchDocument, Version
from prompts_app.tests.factories import PromptFactory, ResultFactory, RunFactory
from prompts_app.tests.people import alice, dana

pytestmark = pytest.mark.django_db


def content(text: str = "Say {{word}}.", **parameters: object) -> PromptContent:
    return PromptContent((Message("user", text),), (Variable("word"),), parameters)


def test_a_new_prompt_is_private_and_has_version_1() -> None:
    prompt = create_prompt(alice(), content(), title="Invoice fields", tags=["json", "json"], note="First.")
    assert prompt.is_private
    assert prompt.slug == "invoice-fields"
    assert [tag.name for tag in prompt.tags.all()] == ["json"]
    version = prompt.versions.get()
    assert (version.number, version.note) == (1, "First.")
    assert version.messages == [{"role": "user", "content": "Say {{word}}."}]
    assert SearchDocument.objects.get(prompt=prompt).title == "Invoice fields"


def test_saving_makes_the_next_version_and_leaves_the_old_one_alone() -> None:
    prompt = create_prompt(alice(), content("One"), title="T")
    second = save_version(prompt, content("Two"), "Why.", seen_number=1)
    assert second.number == 2
    assert [v.messages[0]["content"] for v in prompt.versions.order_by("number")] == ["One", "Two"]


def test_the_same_content_makes_no_version() -> None:
    prompt = create_prompt(alice(), content(temperature=0), title="T")
    with pytest.raises(NothingChanged) as told:
        save_version(prompt, content(temperature=0.0), "Another note.", seen_number=1)
    assert told.value.version.number == 1
    assert prompt.versions.count() == 1


def test_a_stale_edit_is_refused_and_can_be_saved_on_top() -> None:
    prompt = create_prompt(alice(), content("One"), title="T")
    save_version(prompt, content("Two"), seen_number=1)
    with pytest.raises(StaleEdit):
        save_version(prompt, content("Mine"), seen_number=1)
    assert save_version(prompt, content("Mine"), seen_number=2).number == 3


def test_going_back_to_an_older_text_is_a_new_version() -> None:
    prompt = create_prompt(alice(), content("One"), title="T")
    save_version(prompt, content("Two"))
    assert save_version(prompt, content("One")).number == 3


class TestSlugs:
    def test_two_prompts_of_one_title_get_two_slugs(self) -> None:
        titles = [create_prompt(alice(), content(), title="Same").slug for _ in range(3)]
        assert titles == ["same", "same-2", "same-3"]

    def test_another_author_may_have_the_same_slug(self) -> None:
        create_prompt(dana(), content(), title="Same")
        assert create_prompt(alice(), content(), title="Same").slug == "same"

    @pytest.mark.parametrize("title", ["請求書", "🧾🧾", "العربية", "!!!"])
    def test_a_title_without_latin_letters_gets_a_random_one(self, title: str) -> None:
        slug = free_slug(alice(), title)
        assert slug.startswith("prompt-")
        assert len(slug) == len("prompt-") + 4

    @pytest.mark.parametrize(("title", "slug"), [("New", "new-2"), ("Collections", "collections-2")])
    def test_addresses_of_the_site_are_not_taken(self, title: str, slug: str) -> None:
        assert free_slug(alice(), title) == slug

    def test_a_former_slug_is_not_given_to_another_prompt(self) -> None:
        prompt = create_prompt(alice(), content(), title="Old")
        save_details(prompt, {"slug": "fresh"}, [], seen_revision=1)
        assert free_slug(alice(), "Old") == "old-2"
        other = create_prompt(alice(), content(), title="Other")
        with pytest.raises(Refused, match="still leads there"):
            check_can_take_slug(other, "old")

    @given(title=st.text(min_size=1, max_size=200))
    def test_every_title_gives_an_address_the_urlconf_takes(self, title: str) -> None:
        slug = free_slug(alice(), title)
        assert 1 <= len(slug) <= 80
        assert slug == slug.lower()
        assert prompt_at(slug)


def prompt_at(slug: str) -> str:
    prompt: Prompt = PromptFactory.build(owner=alice(), slug=slug)
    return prompt.get_absolute_url()


class TestDetails:
    def test_a_changed_slug_leaves_a_redirect(self) -> None:
        prompt = create_prompt(alice(), content(), title="Old")
        save_details(prompt, {"slug": "fresh", "title": "Fresh"}, ["json"], seen_revision=1)
        with pytest.raises(Moved) as moved:
            prompt_visible_to(alice(), "alice", "old")
        assert moved.value.slug == "fresh"
        assert SearchDocument.objects.get(prompt=prompt).title == "Fresh"

    def test_a_slug_can_be_taken_back(self) -> None:
        prompt = create_prompt(alice(), content(), title="Old")
        save_details(prompt, {"slug": "fresh"}, [], seen_revision=1)
        save_details(prompt, {"slug": "old"}, [], seen_revision=2)
        assert prompt_visible_to(alice(), "alice", "old") == prompt
        assert [f.slug for f in FormerSlug.objects.all()] == ["fresh"]

    def test_a_slug_of_another_prompt_is_refused(self) -> None:
        create_prompt(alice(), content(), title="Taken")
        prompt = create_prompt(alice(), content(), title="Mine")
        with pytest.raises(Refused, match="“Taken” has this address"):
            save_details(prompt, {"slug": "taken"}, [], seen_revision=1)

    def test_a_stale_save_changes_nothing(self) -> None:
        prompt = create_prompt(alice(), content(), title="One")
        save_details(prompt, {"title": "Two"}, [], seen_revision=1)
        with pytest.raises(StaleEdit):
            save_details(prompt, {"title": "Three"}, [], seen_revision=1)
        assert Prompt.objects.get().title == "Two"


def test_deleting_takes_everything_of_the_prompt_and_nothing_else() -> None:
    prompt = create_prompt(alice(), content(), title="One")
    kept = create_prompt(alice(), content(), title="Kept")
    for key in (f"prompt:{prompt.pk}", f"case:{prompt.pk}:new", f"prompt:{kept.pk}", f"prompt:{prompt.pk}7"):
        Draft.objects.create(owner=alice(), key=key, data={})
    kept_keys = {f"prompt:{kept.pk}", f"prompt:{prompt.pk}7"}
    delete_prompts(prompt.owner, [prompt])
    assert [v.prompt for v in Version.objects.all()] == [kept]
    assert {draft.key for draft in Draft.objects.all()} == kept_keys


class TestDeletingAVersion:
    def test_it_goes_with_its_runs_which_stay_counted(self) -> None:
        prompt = create_prompt(alice(), content("One"), title="T", visibility="public")
        second = save_version(prompt, content("Two"))
        run = RunFactory(version=second)
        ResultFactory(run=run)
        delete_version(second)
        prompt.refresh_from_db()
        assert [v.number for v in prompt.versions.all()] == [1]
        assert prompt.deleted_runs == 1

    def test_the_only_one_stays(self) -> None:
        prompt = create_prompt(alice(), content("One"), title="T")
        with pytest.raises(Refused, match="only version"):
            delete_version(prompt.versions.get())

    def test_one_that_is_being_run_stays(self) -> None:
        prompt = create_prompt(alice(), content("One"), title="T")
        second = save_version(prompt, content("Two"))
        RunFactory(version=second, state=Run.State.RUNNING)
        with pytest.raises(Refused, match="under way"):
            delete_version(second)


def test_the_number_of_a_deleted_version_is_never_given_again() -> None:
    prompt = create_prompt(alice(), content(), title="Numbers")
    delete_version(save_version(prompt, content("Second")))
    assert save_version(prompt, content("Third")).number == 3
