"""The sample content of a new installation, and a demo account where the site is served on this machine.

Three sample authors come as recorded bundles (see docs/demo-content.md). What was loaded is remembered in
``SampleBundle``: the same files are not read a second time, and what the operator deleted or changed stays
so. Rows of people are never touched.
"""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from django.conf import settings
from django.db import transaction

from prompts_app.actions.demo.sources import ACCOUNT, DEMO, read_prompt
from prompts_app.actions.importing.apply import keep_prompt
from prompts_app.actions.importing.bundle import prompt_digest
from prompts_app.actions.runs.lifecycle import practice_endpoint
from prompts_app.engine.formats.bundle import parse
from prompts_app.engine.formats.bundle_types import Bundle, BundledAuthor, BundledPrompt
from prompts_app.models import GoneHandle, Profile, Prompt, Run, SampleBundle, User

BUNDLES = DEMO / "recorded"
DEMO_HANDLE = "demo"
# Known to everybody who reads this file: the account is made, and keeps it, only on a local site.
DEMO_PASSWORD = "proofsheet-demo"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Loaded:
    """What ``load_demo`` did: titles of prompts it added, and a sentence for each thing it left alone.

    ``account`` says whether the demo account can be signed in to with DEMO_PASSWORD, unless its owner
    changed that.
    """

    added: tuple[str, ...]
    left: tuple[str, ...]
    account: bool


def load_demo(*, again: bool = False, folder: Path = BUNDLES) -> Loaded:
    """Load the shipped bundles of ``folder`` that are new here, and make the demo account on a local site.

    With ``again`` also what was deleted here comes back. What was changed here is left as it is.
    """
    seen = {row.handle: row for row in SampleBundle.objects.all()}
    added: list[str] = []
    left: list[str] = []
    for path in sorted(folder.glob("*.json")):
        text = path.read_bytes()
        digest, row = sha256(text).hexdigest(), seen.get(path.stem)
        if again or row is None or row.digest != digest:
            loading = _Loading(path.stem, row, again, added, left)
            loading.load(text.decode(), digest)
    return Loaded(tuple(added), tuple(left), _demo_account(seen.get(DEMO_HANDLE), again))


# --- sample authors ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Loading:
    """One author's file on its way in."""

    handle: str
    row: SampleBundle | None
    again: bool
    added: list[str]
    left: list[str]

    @transaction.atomic
    def load(self, text: str, digest: str) -> None:
        _let_go(self.handle, self.row, self.again)
        owner = User.objects.filter(username=self.handle).select_related("profile").first()
        if User.objects.has_taken(self.handle) and not (owner and owner.profile.is_sample):
            self.left.append(f"@{self.handle} is somebody's own handle here, so that author was left out.")
            return
        bundle = parse(text)
        if owner is None and (self.again or self.row is None):
            owner = _sample_author(bundle.author)
        if owner is not None:
            for prompt in bundle.prompts:
                self._prompt(owner, prompt)
        self._remember(bundle, digest)

    def _prompt(self, owner: User, bundled: BundledPrompt) -> None:
        name, state = f"{owner.handle}/{bundled.slug}", prompt_digest(bundled)
        here = _here(owner, bundled, state)
        before = self.row.prompts.get(bundled.slug) if self.row else None
        if here is None and before is not None and not self.again:
            return  # deleted on purpose
        if here is not None and here.source_key == state:
            return
        if here is not None and not self._is_as_loaded(here, before):
            self.left.append(f"{name} was changed here, so its newer recording was left out.")
            return
        if here is not None:
            here.delete()
        keep_prompt(owner, bundled)
        self.added.append(name)

    def _is_as_loaded(self, prompt: Prompt, before: str | None) -> bool:
        """Nobody changed it, ran it or forked it since, so that a newer recording may take its place."""
        if self.row is None or prompt.source_key != before or not prompt.is_public:
            return False
        newer = prompt.versions.filter(created_at__gt=self.row.loaded_at).exists()
        used = prompt.runs.exclude(batch=None).exists() or prompt.versions.exclude(forks=None).exists()
        return (prompt.revision, prompt.suite_revision) == (1, 1) and not newer and not used

    def _remember(self, bundle: Bundle, digest: str) -> None:
        states = {prompt.slug: prompt_digest(prompt) for prompt in bundle.prompts}
        SampleBundle.objects.update_or_create(
            handle=self.handle, defaults={"digest": digest, "prompts": states}
        )


def _let_go(handle: str, row: SampleBundle | None, again: bool) -> None:
    """A handle that this software gave to an author of its own, deleted since, may be that author's again."""
    if again and row is not None:
        GoneHandle.objects.of(handle).delete()


def _here(owner: User, bundled: BundledPrompt, state: str) -> Prompt | None:
    """The prompt as it is here, also where it was given another address or another title."""
    mine = Prompt.objects.owned_by(owner)
    ids = [run.id for run in bundled.runs]
    of_run = Run.objects.filter(public_id__in=ids).values("prompt")
    return (
        mine.filter(slug=bundled.slug).first()
        or mine.filter(source_key=state).first()
        or mine.filter(pk__in=of_run).first()
    )


def _sample_author(author: BundledAuthor) -> User:
    user = User.objects.create_user(username=author.handle)
    columns = {
        name: getattr(author, name) for name in ("name", "headline", "bio", "location", "availability")
    }
    Profile.objects.filter(user=user).update(**columns, links=list(author.links), is_sample=True)
    return User.objects.select_related("profile").get(pk=user.pk)


# --- the demo account -------------------------------------------------------------------------------------


def _demo_account(row: SampleBundle | None, again: bool) -> bool:
    """Make the account once, on a local site only; on any other its public password stops working."""
    user = User.objects.filter(username=DEMO_HANDLE).first()
    if not settings.LOCAL:
        _lock(user if row else None)
        return False
    _let_go(DEMO_HANDLE, row, again)
    if user is None and not User.objects.has_taken(DEMO_HANDLE) and (row is None or again):
        user = _make_account()
        SampleBundle.objects.update_or_create(handle=DEMO_HANDLE, defaults={"digest": ""})
        return True
    return user is not None and row is not None


def _lock(user: User | None) -> None:
    if user is not None and user.check_password(DEMO_PASSWORD):
        user.set_unusable_password()
        user.save(update_fields=["password"])


@transaction.atomic
def _make_account() -> User:
    user = User.objects.create_user(username=DEMO_HANDLE, password=DEMO_PASSWORD)
    Profile.objects.filter(user=user).update(name="Demo author", headline="Here to try Proofsheet out.")
    practice_endpoint(user)
    for path in sorted(ACCOUNT.glob("*.yaml")):
        keep_prompt(user, read_prompt(path))
    return user
