"""The one door: every view gets its object here, and a stranger gets a 404 that says nothing.

Ownership (who may) lives here; state (when) lives with the action.
"""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils import timezone

from prompts_app.engine.errors import Refused, why_not
from prompts_app.models import (
    Batch,
    Case,
    CasePictureFile,
    Endpoint,
    FormerHandle,
    FormerSlug,
    GoneHandle,
    Import,
    Job,
    KnownFailure,
    Licence,
    PrivateSpan,
    Profile,
    Prompt,
    Result,
    Run,
    ShareLink,
    Source,
    Try,
    TryAnswer,
    User,
    Version,
    Visibility,
)
from prompts_app.models.reading import Reading, now

type Viewer = User | AnonymousUser


def reads_own(viewer: Callable[[], Viewer]) -> Reading:
    """Everywhere but on public pages: one's own prompts in full, anybody else's with private parts masked."""
    return Reading(lambda: viewer().pk)


def reads_as_visitor(viewer: Viewer, *, in_full: bool = False) -> Reading:
    """On public pages: what a visitor reads, the author too, who may ask for their own prompts in full."""
    return Reading(lambda: viewer.pk if in_full else None)


class Moved(Exception):
    """The thing has a new address. Only raised for what the viewer may see."""

    def __init__(self, handle: str, slug: str = "") -> None:
        super().__init__(handle, slug)
        self.handle, self.slug = handle, slug


class LinkReader(AnonymousUser):
    """Whoever reads through a share link: a stranger who may see the link's prompts, at the link's addresses.

    ``base`` is where the link stands, with a slash at its end: "/s/<token>/".
    """

    def __init__(self, link: ShareLink, base: str, *, is_preview: bool = False) -> None:
        super().__init__()
        self.link, self.base, self.is_preview = link, base, is_preview

    def prompts(self) -> list[Prompt]:
        """What the link shows, in its author's order; each is read at its address under the link."""
        return [self._here(prompt) for prompt in self.link.shown_prompts().with_author()]

    def prompt(self, slug: str) -> Prompt:
        """Raises Http404 for what the link does not show."""
        return self._here(_one(self.link.shown_prompts().with_author().filter(slug=slug)))

    def _here(self, prompt: Prompt) -> Prompt:
        prompt.read_at = f"{self.base}{prompt.slug}/"
        return prompt


def open_link(token: str) -> ShareLink:
    """The link with this token. Unknown, expired and revoked are the same 404."""
    found = ShareLink.objects.with_token(token).open_at(timezone.now())
    return _one(found.select_related("owner__profile"))


def _one[M: Any](found: QuerySet[M]) -> M:
    """The only row of ``found``, else a 404."""
    row = found.first()
    if row is None:
        raise Http404
    return row


def author_visible_to(viewer: Viewer, handle: str) -> User:
    """The person at ``/@handle/``. Raises Http404, or Moved where the handle is a former one."""
    person = User.objects.with_handle(handle).select_related("profile").first()
    if person is None:
        former = FormerHandle.objects.filter(handle=handle.lower()).select_related("user__profile").first()
        if former and _may_see_author(viewer, former.user):
            raise Moved(former.user.handle)
        raise Http404
    if not _may_see_author(viewer, person):
        raise Http404
    if handle != person.handle:
        raise Moved(person.handle)
    if reader := now():
        reader.asks_for_work_of(person.pk)
    return person


def _may_see_author(viewer: Viewer, person: User) -> bool:
    return viewer.pk == person.pk or (
        person.is_active and person.profile.visibility != Profile.Visibility.PRIVATE
    )


def is_gone(handle: str) -> bool:
    """Whether ``/@handle/`` was a page strangers saw until its account was deleted. Of one that was private
    nothing is said: its addresses answer as they did before."""
    return GoneHandle.objects.of(handle).filter(was_seen=True).exists()


def prompt_visible_to(viewer: Viewer, handle: str, slug: str) -> Prompt:
    """The prompt at ``/@handle/slug/``. Raises Http404, or Moved for a former handle or slug."""
    if isinstance(viewer, LinkReader):
        return viewer.prompt(slug)
    seen = Prompt.objects.visible_to(viewer).with_author()
    prompt = seen.filter(owner__username=handle.lower(), slug=slug.lower()).first()
    if prompt is not None:
        if (handle, slug) != (prompt.owner.handle, prompt.slug):
            raise Moved(prompt.owner.handle, prompt.slug)
        return prompt
    raise _moved_or_404(seen, viewer, handle.lower(), slug.lower())


def _moved_or_404(seen: QuerySet[Prompt], viewer: Viewer, handle: str, slug: str) -> Exception:
    """Where the prompt went, if ``viewer`` may see it at its new address; a 404 otherwise."""
    owner = User.objects.with_handle(handle).first()
    if owner is None:
        former = FormerHandle.objects.filter(handle=handle).select_related("user").first()
        if former is None:
            return Http404()
        owner = former.user
    target = seen.filter(owner=owner, slug=slug).first()
    if target is None:
        moved = FormerSlug.objects.filter(owner=owner, slug=slug).first()
        target = seen.filter(pk=moved.prompt_id).first() if moved else None
    return Moved(target.owner.handle, target.slug) if target else Http404()


def check_can_fork(prompt: Prompt, reader: Viewer) -> None:
    """Raises Refused. That ``reader`` may see the prompt is settled already; a stranger signs in first."""
    if prompt.owner_id == reader.pk:
        raise Refused("no_fork", "This is your own prompt. Save a new version of it instead.")
    if prompt.visibility != Visibility.PUBLIC:
        raise Refused("no_fork", "Only public prompts can be forked. Ask the author to publish this one.")
    if prompt.licence == Licence.RESERVED:
        raise Refused(
            "no_fork", "All rights are reserved: you may read this prompt, but not make your own of it."
        )


def can_fork(prompt: Prompt, reader: Viewer) -> bool:
    return not why_not(check_can_fork, prompt, reader)


def version_of(prompt: Prompt, number: int) -> Version:
    """Version ``number`` of a prompt that already passed the door."""
    return _one(prompt.versions.filter(number=number))


def run_visible_to(viewer: Viewer, prompt: Prompt, public_id: str) -> Run:
    """A run of a prompt that already passed the door. Practice is no evidence: only its author sees it."""
    found = Run.objects.filter(prompt=prompt, public_id=public_id).select_related("prompt__owner", "version")
    if viewer.pk != prompt.owner_id:
        found = found.exclude(source=Source.PRACTICE)
    return _one(found)


def result_visible_to(viewer: Viewer, prompt: Prompt, public_id: str) -> Result:
    """A result of a prompt that already passed the door. Practice is no evidence: only its author sees it."""
    related = ("run__prompt__owner__profile", "run__version", "run__endpoint")
    return _one(_results(viewer, prompt, public_id).select_related(*related))


def picture_visible_to(viewer: Viewer, prompt: Prompt, public_id: str) -> Result:
    """The same result with what is known of its picture, and nothing else: a page asks for many of these."""
    return _one(_results(viewer, prompt, public_id).only("run_id", "picture"))


def case_picture_visible_to(viewer: Viewer, prompt: Prompt, digest: str) -> CasePictureFile:
    """A picture that cases or runs of the prompt name, unless it is private to its author."""
    reader = now()
    if viewer.pk != prompt.owner_id and reader is not None and reader.mask_of([prompt.pk]).shows(digest):
        raise Http404
    return _one(CasePictureFile.objects.filter(prompt=prompt, sha256=digest))


def _results(viewer: Viewer, prompt: Prompt, public_id: str) -> QuerySet[Result]:
    found = Result.objects.filter(run__prompt=prompt, public_id=public_id)
    return found if viewer.pk == prompt.owner_id else found.exclude(run__source=Source.PRACTICE)


# --- the author's own area: somebody else's thing does not exist ----------------------------------------


def own_prompt(user: User, slug: str) -> Prompt:
    return _one(Prompt.objects.owned_by(user).with_author().filter(slug=slug))


def own_version(user: User, slug: str, number: int) -> Version:
    return version_of(own_prompt(user, slug), number)


def _of(user: User, slug: str = "") -> Q:
    """Rows of a prompt of theirs that is there; of the one at ``slug`` where that is given."""
    one = {"prompt__slug": slug} if slug else {}
    return Q(prompt__owner=user, prompt__deleted_at=None, **one)


def own_case(user: User, slug: str, public_id: str) -> Case:
    found = Case.objects.filter(_of(user, slug), public_id=public_id)
    return _one(found.select_related("prompt__owner"))


def own_endpoint(user: User, public_id: str) -> Endpoint:
    return _one(Endpoint.objects.filter(owner=user, public_id=public_id))


def own_import(user: User, public_id: str) -> Import:
    return _one(Import.objects.filter(owner=user, public_id=public_id).select_related("owner"))


def own_export(user: User, public_id: str) -> Job:
    """One that can be downloaded."""
    done = Job.objects.filter(owner=user, kind=Job.Kind.EXPORT, state=Job.State.DONE)
    return _one(done.filter(public_id=public_id).select_related("owner__profile"))


def own_batch(user: User, public_id: str) -> Batch:
    found = Batch.objects.filter(_of(user), public_id=public_id)
    return _one(found.select_related("prompt__owner__profile"))


def own_run_of_batch(user: User, public_id: str, run_id: str) -> Run:
    """A run of the batch ``public_id``, whatever has become of it."""
    found = Run.objects.filter(_of(user), batch__public_id=public_id, public_id=run_id)
    return _one(found.select_related("prompt", "version", "batch", "endpoint"))


def own_try(user: User, public_id: str) -> Try:
    there = Try.objects.filter(owner=user, prompt__deleted_at=None)  # null of a try without a prompt, too
    return _one(there.filter(public_id=public_id).select_related("prompt"))


def own_try_answer(user: User, public_id: str) -> TryAnswer:
    there = TryAnswer.objects.filter(of__owner=user, of__prompt__deleted_at=None)
    return _one(there.filter(public_id=public_id).select_related("of"))


def own_result(user: User, public_id: str) -> Result:
    mine = Run.objects.filter(_of(user))
    found = Result.objects.filter(run__in=mine, public_id=public_id)
    return _one(found.select_related("run__prompt__owner__profile", "run__version", "run__batch"))


def own_link(user: User, public_id: str) -> ShareLink:
    found = ShareLink.objects.owned_by(user).filter(public_id=public_id)
    return _one(found.with_opens().select_related("owner__profile"))


def own_run(user: User, slug: str, public_id: str, **more: str) -> Run:
    found = Run.objects.filter(_of(user, slug), public_id=public_id, **more)
    return _one(found.select_related("prompt__owner__profile", "version"))


def own_pasted_run(user: User, slug: str, public_id: str) -> Run:
    """The pasted outputs of one version and model."""
    return own_run(user, slug, public_id, source=Source.PASTED)


def own_span(user: User, slug: str, public_id: str) -> PrivateSpan:
    found = PrivateSpan.objects.filter(_of(user, slug), public_id=public_id)
    return _one(found.select_related("prompt__owner__profile"))


def own_failure(user: User, slug: str, public_id: str) -> KnownFailure:
    """A place on the failure shelf."""
    found = KnownFailure.objects.filter(_of(user, slug), public_id=public_id)
    return _one(found.select_related("prompt__owner__profile", "run__version", "run__prompt", "fixed_in"))
