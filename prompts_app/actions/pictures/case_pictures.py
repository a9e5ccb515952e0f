"""Pictures as input: kept once for each prompt, by digest, as long as a case, version or run names them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from hashlib import sha256
from tempfile import TemporaryFile

from django.db.models import Sum, TextField
from django.db.models.functions import Cast, Length

from prompts_app.engine.errors import Refused
from prompts_app.engine.pictures import SentPicture
from prompts_app.engine.types import CaseContent, PromptContent
from prompts_app.models import CasePictureFile, Prompt, Run, Version
from prompts_app.models.reading import MaskedQuerySet

MOST_BYTES = 100 * 1024 * 1024  # of the pictures of one prompt
A_READ = 10  # pictures in memory at once
_DIGEST = re.compile(r'"sha256": ?"([0-9a-f]{64})"')


def keep_pictures(prompt: Prompt, pictures: Iterable[SentPicture]) -> None:
    """Each once. Raises Refused where they do not fit beside those that are there."""
    for one in pictures:
        used = prompt.case_picture_files.aggregate(bytes=Sum(Length("data")))["bytes"] or 0
        if used + len(one.data) > MOST_BYTES:
            raise Refused("picture", f"The pictures of one prompt have at most {MOST_BYTES // 2**20} MB.")
        CasePictureFile.objects.get_or_create(
            prompt=prompt, sha256=digest_of(one.data), defaults={"data": one.data, "small": one.small}
        )


def sweep(prompt: Prompt) -> None:
    """Let go of the pictures that no case, version or run of it names any more."""
    if not prompt.case_picture_files.exists():
        return
    names = set(digests_of_cases(prompt.suite())) | _digests_of(Version.objects.filter(prompt=prompt))
    for pk in prompt.runs.values_list("pk", flat=True):
        names |= digests_of_run(pk)
    prompt.case_picture_files.exclude(sha256__in=names).delete()


def copy_pictures(content: PromptContent, cases: Iterable[CaseContent], origin: Prompt, to: Prompt) -> None:
    """The bytes of this version's and these cases' pictures, for a prompt that took them over."""
    named = {*digests_of_version(content), *digests_of_cases(cases)}
    files = origin.case_picture_files.filter(sha256__in=named) if named else CasePictureFile.objects.none()
    for file in files.iterator(chunk_size=A_READ):
        CasePictureFile.objects.create(prompt=to, sha256=file.sha256, data=file.data, small=file.small)


def digests_of_cases(cases: Iterable[CaseContent]) -> Iterator[str]:
    return (one.sha256 for case in cases for one in case.pictures)


def digests_of_version(content: PromptContent) -> Iterator[str]:
    return (one.sha256 for variable in content.variables for one in variable.pictures)


def _digests_of(versions: MaskedQuerySet[Version]) -> set[str]:
    stored = versions.unmasked_values().values_list("variables", flat=True)
    return {one["sha256"] for row in stored for v in row for one in v.get("pictures") or ()}


def digests_of_run(run_id: int) -> set[str]:
    """Of the pictures its version names, and its suite, looked through as the text it is stored as."""
    texts = Run.objects.unmasked_values().filter(pk=run_id, suite__icontains="sha256")
    text = texts.annotate(suite_text=Cast("suite", TextField())).values_list("suite_text", flat=True).first()
    own = _digests_of(Version.objects.filter(runs=run_id))
    return own | set(_DIGEST.findall(text)) if text else own


def case_pictures_changed(run: Run) -> bool:
    """Whether a picture that the run's version or suite names is gone, or is not the one of its digest."""
    wanted = digests_of_run(run.pk)
    files = CasePictureFile.objects.filter(prompt=run.prompt_id, sha256__in=wanted)
    whole = {one.sha256 for one in files.iterator(chunk_size=A_READ) if digest_of(one.data) == one.sha256}
    return whole != wanted


class PictureSpool:
    """The pictures of a run in a file of its own without a name, so that they are neither in memory nor asked
    of the database while calls are made. Nothing of it is left when the process ends."""

    def __init__(self, prompt_id: int, digests: Collection[str]) -> None:
        self._file, self._places = TemporaryFile(), dict[str, tuple[int, int]]()  # noqa: SIM115  # see close
        files = CasePictureFile.objects.filter(prompt=prompt_id, sha256__in=digests)
        for one in files.iterator(chunk_size=A_READ) if digests else ():
            if digest_of(data := bytes(one.data)) == one.sha256:  # what was changed is not sent
                self._places[one.sha256] = (self._file.tell(), len(data))
                self._file.write(data)
        self._file.flush()

    def read(self, digest: str) -> bytes:
        """Raises ``KeyError`` where it is not there."""
        at, size = self._places[digest]
        self._file.seek(at)
        return self._file.read(size)

    def close(self) -> None:
        self._file.close()


def digest_of(data: bytes | memoryview[int]) -> str:
    return sha256(bytes(data)).hexdigest()
