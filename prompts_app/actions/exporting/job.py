"""Everything an author has, as bundles: made prompt by prompt, so that their size needs no memory."""

import zlib
from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import IO

from prompts_app.actions.accounts.jobs import begin, does
from prompts_app.actions.exporting.bundle import MOST_PICTURES, author_of, export_prompts
from prompts_app.engine.errors import Refused
from prompts_app.engine.formats.bundle import emit_parts, emit_prompt
from prompts_app.models import Job, JobPart, Prompt, Result, User

MOST_IN_A_FILE = 18 * 2**20  # bytes; one of 20 MB is the largest that is read (engine.budget)
AT_ONCE_PROMPTS, AT_ONCE_RESULTS = 20, 1_000  # above either, a worker does it


def start_export(owner: User) -> Job:
    """In place of the one before. Small ones are there when this returns. Raises Refused."""
    prompts = Prompt.objects.owned_by(owner).count()
    if not prompts:
        raise Refused("nothing_to_export", "There is no prompt to export yet.")
    results = Result.objects.filter(run__prompt__owner=owner)[: AT_ONCE_RESULTS + 1].count()
    is_small = prompts <= AT_ONCE_PROMPTS and results <= AT_ONCE_RESULTS
    Job.objects.filter(owner=owner, kind=Job.Kind.EXPORT).exclude(state__in=["queued", "running"]).delete()
    return begin(owner, Job.Kind.EXPORT, prompts, export_next if is_small else None)


def newest_export(owner: User) -> Job | None:
    return Job.objects.filter(owner=owner, kind=Job.Kind.EXPORT).first()


@does(Job.Kind.EXPORT)
def export_next(job: Job) -> bool:
    """A step of it: the next prompt, by its number: one whose slug is changed meanwhile is not left out."""
    left = Prompt.objects.owned_by(job.owner).filter(pk__gt=job.cursor.get("after", 0))
    prompt = left.order_by("pk").first()
    if prompt is None:
        return False
    room = job.cursor.get("room", MOST_PICTURES)
    found, room = export_prompts(Prompt.objects.filter(pk=prompt.pk), everything=True, room=room)
    text = "".join(map(emit_prompt, found)).encode("utf-8", "surrogatepass")
    JobPart.objects.create(job=job, number=job.done, data=zlib.compress(text))
    size, files = job.cursor.get("size", 0) + len(text), job.cursor.get("files", [0])
    if size > MOST_IN_A_FILE and files[-1] < job.done:
        size, files, room = len(text), [*files, job.done], MOST_PICTURES
    job.done += 1
    job.cursor = {"after": prompt.pk, "room": room, "size": size, "files": files}
    return True


def files_of(job: Job) -> list[range]:
    """The numbers of the parts in each file: so many that each can be imported again."""
    starts = job.cursor.get("files", [0])
    return [range(one, end) for one, end in zip(starts, [*starts[1:], job.done], strict=True)]


def file_of(job: Job, parts: range) -> IO[bytes]:
    """The bundle of these, whole before its first byte is sent: an export made anew, while somebody still
    downloads this one, takes its rows away. Raises Refused where they are gone already."""
    file = TemporaryFile()  # noqa: SIM115  # the response that sends it closes it
    for piece in emit_parts(author_of(job.owner), _texts(job, parts)):
        file.write(piece.encode())
    file.seek(0)
    return file


def bundle_in_parts(owner: User, prompts: list[int]) -> Iterator[str]:
    """The same of chosen prompts, by their numbers, without a job: for the terminal."""
    return emit_parts(author_of(owner), _prompts(prompts))


def _texts(job: Job, parts: range) -> Iterator[str]:
    kept = job.parts.filter(number__in=parts).order_by("number").values_list("data", flat=True)
    found = 0
    for data in kept.iterator(chunk_size=1):  # one statement, so they are of one moment
        found += 1
        yield zlib.decompress(bytes(data)).decode("utf-8", "surrogatepass")
    if found < len(parts):
        raise Refused("nothing_to_export", "This export was made anew meanwhile. Take the new one.")


def _prompts(keys: list[int]) -> Iterator[str]:
    room = MOST_PICTURES
    for key in keys:
        found, room = export_prompts(Prompt.objects.filter(pk=key), everything=True, room=room)
        yield from map(emit_prompt, found)
