"""Who reads rows now, and masking what they may not read, at the one place where rows come from.

While a ``Reading`` is in force (every request has one, see ``access``), the texts of each row of a prompt
are set aside the moment the row is loaded, however it is loaded: by a list, a join, a foreign key, a
deferred column. The first look at any of them masks all that wait, with one query for the private parts of
the prompts that are new. So a page need not know of private parts, and one that is written tomorrow is
masked too. What is no row cannot be masked: ``values()``, ``values_list()`` and functions of the database.
They are refused a text, but where the code says ``unmasked_values()``, since it shows it to nobody, or to
its author alone. Without a reading (commands, tasks) rows are what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, Self

from django.core.exceptions import FieldDoesNotExist
from django.db import models

from prompts_app.engine.masking import Mask, Span, salted
from prompts_app.engine.matching import PART, fold
from prompts_app.engine.reveals import without_first_digest
from prompts_app.models.page_changes import person_key, prompt_key, work_key
from prompts_app.models.private import PrivateSpan

_now: ContextVar[Reading | None] = ContextVar("reading", default=None)

# Texts that are addresses, states or digests: nobody wrote them, and pages could not work without them.
_AS_THEY_ARE = {"public_id", "source_key", "frames", "claim", "error_kind", "api"}
_MODELS = {"model", "named", "settings"}  # the last are words of a list
SPAN_COLUMNS = ("prompt_id", "label", "text", "salt", "created_at")
_DIGESTS = {"suite_digest", "digest"}
_UNDER_WAY = {"queued", "running"}  # models.Run.State


class TextsOnlyAsRows(Exception):
    """Texts are read as rows: what ``values``, ``values_list`` and ``annotate`` give cannot be masked."""


class MaskedRowKept(Exception):
    """A row as visitors see it must never be saved: its placeholders would replace the text."""


class Reading:
    """What one reader may read. ``author`` gives the id of whoever sees their own prompts in full, if any."""

    def __init__(self, author: Callable[[], int | None]) -> None:
        self._author = author
        self._owners: set[int] = set()  # whose prompts were read
        self._prompts: set[int] = set()  # of which something was read
        self._people: set[int] = set()  # whose published work was asked for
        self.saw_run_under_way = False  # so that what was read may be more a moment later
        self._masks: dict[int, Mask] = {}  # by prompt
        self._own: set[int] = set()  # prompts that are read in full
        self._prompt_of_run: dict[int, int] = {}
        self._waiting: list[Masked] = []

    def set_aside(self, row: Masked) -> None:
        """Take the texts of a row that was just loaded, until somebody looks at one."""
        known = row.__dict__
        self._learn_from(row)
        if (prompt := self._prompt_id(row)) is not None:
            self._prompts.add(prompt)
        if prompt in self._own:
            return
        if kept := {name: known.pop(name) for name in texts_of(type(row)) if name in known}:
            known["_set_aside"], known["_reader"] = kept, self
            self._waiting.append(row)

    def names_work_of(self, owner: int) -> None:
        """A row of a list was read, which is masked for everybody: its author's words stand on the page."""
        self._owners.add(owner)

    def _learn_from(self, row: Masked) -> None:
        """What the row says of others: whose the prompt is, and which prompt a run is of."""
        if row.masked_by == "pk":
            owner = row.__dict__.get("owner_id", 0)
            self._owners.add(owner)
            if owner == self._author():
                self._own.add(row.pk)
        if row._meta.model_name == "run":
            if "prompt_id" in row.__dict__:
                self._prompt_of_run[row.pk] = row.__dict__["prompt_id"]
            self.saw_run_under_way |= row.__dict__.get("state") in _UNDER_WAY

    def asks_for_work_of(self, person: int) -> None:
        """What is read is of all this person has published, so that it is another once they publish more."""
        self._people.add(person)

    def keys(self) -> set[str]:
        """Of all that was read (see ``page_changes``), but for lists of everybody's work."""
        work = [key(person) for person in self._people for key in (person_key, work_key)]
        return {*work, *map(prompt_key, self._prompts), *map(person_key, self._owners - {0})}

    def _prompt_id(self, row: Masked) -> int | None:
        """None where the row alone does not say."""
        if row.masked_by == "pk":
            return row.pk  # type: ignore[no-any-return]
        if row.masked_by == "prompt":
            return row.__dict__.get("prompt_id")
        return self._prompt_of_run.get(row.__dict__.get("run_id", 0))

    def show_all(self) -> None:
        """Mask what waits and give it back to its rows."""
        waiting, self._waiting = self._waiting, []
        prompts = self._prompts_of(waiting)
        self._load(set(prompts))
        for row, prompt in zip(waiting, prompts, strict=True):
            kept = row.__dict__.pop("_set_aside")
            row.__dict__.update(kept)
            if prompt not in self._own:
                row.mask_with(self._masks[prompt], kept)

    def _prompts_of(self, rows: Sequence[Masked]) -> list[int]:
        """One query for each kind of row that does not say itself."""
        known = {id(row): self._prompt_id(row) for row in rows}
        for model in {type(row) for row in rows if known[id(row)] is None}:
            unknown = {row.pk: row for row in rows if type(row) is model and known[id(row)] is None}
            asked = model._base_manager.filter(pk__in=unknown).values_list("pk", model.masked_by)
            found = dict(asked)
            known |= {id(row): found[row.pk] for row in rows if row.pk in found and type(row) is model}
        return [known[id(row)] or 0 for row in rows]

    def mask_of(self, prompts: Iterable[int]) -> Mask:
        """What is hidden of these prompts from this reader, all in one."""
        wanted = set(prompts)
        self._load(wanted)
        return Mask(span for key in wanted - self._own for span in self._masks[key].spans)

    def spans_of(self, prompt: int) -> tuple[Span, ...]:
        """The private parts of a prompt, whoever reads it."""
        self._load({prompt}, though_own=True)
        return self._masks[prompt].spans

    def shown_in(self, text: str) -> list[tuple[int, Span]]:
        """Those hidden of the prompts that were read so far which ``text`` shows, each with its prompt.

        [] where prompts of several people were read: what one of them wrote openly is not held against what
        another keeps private, or a title could break a page, and tell that its guess was right. Short ones
        are not looked for: the page's own words may say "Classification".
        """
        if len(self._owners) > 1:
            return []
        hidden = [(key, span) for key in self._masks.keys() - self._own for span in self._masks[key].spans]
        long = [(key, span) for key, span in hidden if len(fold(span.text)) >= PART]
        return [(key, span) for key, span in long if Mask([span]).shows(text)]

    def _load(self, prompts: set[int], *, though_own: bool = False) -> None:
        """One query, none where everything is known."""
        if not (new := prompts - self._masks.keys() - (set() if though_own else self._own)):
            return
        found: dict[int, list[Span]] = {key: [] for key in new}
        rows = PrivateSpan.objects.filter(prompt__in=new).in_order()
        for span in rows.select_related("prompt").only(*SPAN_COLUMNS, "prompt__owner_id"):
            found[span.prompt_id].append(span.as_engine())
            if span.prompt.owner_id == self._author():
                self._own.add(span.prompt_id)
        self._masks |= {key: Mask(spans) for key, spans in found.items()}


def now() -> Reading | None:
    return _now.get()


@contextmanager
def reading(reader: Reading | None) -> Iterator[None]:
    """Put ``reader`` in force for what runs inside; None: rows are what they are."""
    token = _now.set(reader)
    try:
        yield
    finally:
        _now.reset(token)


@contextmanager
def read_apart() -> Iterator[None]:
    """For naming another prompt on a page: its rows are masked as ever, but what the page shows of its own is
    not held against that prompt's private parts. The two may share words: a fork does."""
    reader = now()
    apart = Reading(reader._author) if reader else None
    with reading(apart):
        yield
    if reader and apart:
        reader._owners |= apart._owners
        reader._prompts |= apart._prompts
        reader.saw_run_under_way |= apart.saw_run_under_way


@cache
def texts_of(model: type[models.Model]) -> tuple[str, ...]:
    """The columns in which somebody's words can stand."""
    kinds = (models.CharField, models.TextField, models.JSONField)
    return tuple(
        field.attname
        for field in model._meta.concrete_fields
        if isinstance(field, kinds)
        and not isinstance(field, models.SlugField)
        and not field.choices
        and field.name not in _AS_THEY_ARE
    )


class MaskedQuerySet[M: models.Model](models.QuerySet[M]):
    """Of rows that are masked. Raises TextsOnlyAsRows where texts are asked for as bare values."""

    _may_give_texts = False

    def unmasked_values(self) -> Self:
        """Texts may be asked for as bare values, which nobody masks: only where they are shown to nobody, or
        to the author alone."""
        allowed = self.all()
        allowed._may_give_texts = True
        return allowed

    def _clone(self) -> Self:
        """Django's own way to hand on what a query has been told."""
        copy: Self = super()._clone()  # type: ignore[misc]  # the stubs leave it out
        copy._may_give_texts = self._may_give_texts
        return copy

    def values(self, *names: Any, **more: Any) -> Any:
        everything = [] if names or more else [field.attname for field in self.model._meta.concrete_fields]
        self._refuse_texts(*names, *more.values(), *everything)
        return super().values(*names, **more)

    def values_list(self, *names: Any, flat: bool = False, named: bool = False) -> Any:
        self._refuse_texts(*(names or [field.attname for field in self.model._meta.concrete_fields]))
        return super().values_list(*names, flat=flat, named=named)

    def _annotate(self, of: Any, more: dict[str, Any], select: bool = True) -> Self:
        """Behind ``annotate``, which keeps its types."""
        if select:
            self._refuse_texts(*of, *more.values())
        annotated: Self = super()._annotate(of, more, select=select)  # type: ignore[misc]  # as above
        return annotated

    def aggregate(self, *of: Any, **more: Any) -> dict[str, Any]:
        self._refuse_texts(*of, *more.values())
        return super().aggregate(*of, **more)

    def _refuse_texts(self, *asked: Any) -> None:
        if now() is None or self._may_give_texts:
            return
        names = [name for one in asked for name in _columns_given(one)]
        if found := [name for name in names if is_text(self.model, name)]:
            raise TextsOnlyAsRows(f"{self.model.__name__}: read {', '.join(found)} as rows.")


def _columns_given(asked: Any) -> Iterator[str]:
    """The columns of which a value would be given: of a name, or in an expression. Counting gives none."""
    if isinstance(asked, str):
        yield asked
    elif isinstance(asked, models.F):
        yield from () if isinstance(asked, models.OuterRef) else (str(vars(asked)["name"]),)
    elif not isinstance(asked, models.Count) and hasattr(asked, "get_source_expressions"):
        for inner in asked.get_source_expressions():
            yield from _columns_given(inner)


def is_text(model: type[models.Model], name: str) -> bool:
    """Whether ``name``, a column or a path to one ("prompt__title"), is a text of a masked row. The names of
    models are no secret: no private part is accepted that stands in one."""
    first, _, rest = name.partition("__")
    if not rest:
        return issubclass(model, Masked) and first in texts_of(model) and first not in _MODELS
    try:
        related = model._meta.get_field(first).related_model
    except FieldDoesNotExist:
        return False
    return isinstance(related, type) and is_text(related, rest)


class Masked(models.Model):
    """A row of a prompt: read through the reading that is in force."""

    masked_by = "prompt"  # the way to the prompt: "pk" for the prompt itself

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Raises MaskedRowKept."""
        columns = kwargs.get("update_fields")
        masked = self.__dict__.get("_masked", set())
        if masked and (columns is None or masked & set(columns)):
            raise MaskedRowKept("This row is masked, as visitors see it.")
        super().save(*args, **kwargs)

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> Self:
        row = super().from_db(*args, **kwargs)
        if reader := now():
            reader.set_aside(row)
        return row

    def refresh_from_db(self, using: Any = None, fields: Any = None, from_queryset: Any = None) -> None:
        """Also how Django reads a column that is not there: one that was set aside is given back masked."""
        reader = now()
        if "_set_aside" in self.__dict__:
            self.__dict__["_reader"].show_all()
        names = set(fields) - self.__dict__.keys() if fields is not None else None
        if names == set():
            return
        with reading(None):
            super().refresh_from_db(using=using, fields=names, from_queryset=from_queryset)
        if reader:
            reader.set_aside(self)
            reader.show_all()

    def mask_with(self, mask: Mask, columns: Iterable[str]) -> None:
        """Digests of what is masked are salted too: they would confirm a guess."""
        if not mask:
            return
        for name in columns:
            whole = self.__dict__[name]
            shown = _masked_value(mask, name, whole)
            if shown != whole:
                self.__dict__[name] = shown
                self.__dict__.setdefault("_masked", set()).add(name)


def _masked_value(mask: Mask, name: str, value: Any) -> Any:
    if name in _DIGESTS:
        return salted(mask.salt, value) if value else value
    if name == "picture":
        return without_first_digest(mask.value(value))
    if name == "evidence":
        return _with_salted_digests(mask, mask.value(value))
    return mask.value(value)


def _with_salted_digests(mask: Mask, value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _masked_value(mask, key, item) if key in _DIGESTS else _with_salted_digests(mask, item)
            for key, item in value.items()
        }
    return [_with_salted_digests(mask, item) for item in value] if isinstance(value, list) else value
