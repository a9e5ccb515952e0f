"""Link preview cards: 1200 × 630 PNGs with a name, a sentence and the contact strip, failures crossed.

Drawn with the fonts in ``prompts_app/fonts``, so that the site needs none of the system's. Text they
cannot draw truly (other scripts, right-to-left, stacked marks) is left out, letter by letter; where no word
is left, what the caller names stands instead. Never boxes.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from django.core.cache import caches
from PIL import Image, ImageColor, ImageDraw, ImageFont

from prompts_app.evidence.frames import FrameState

WIDTH, HEIGHT = 1200, 630  # what link previews are cut to
SCALE = 2  # drawn larger, then made smaller: smooth edges
DRAWING = 2  # rises when the drawing changes, so that nobody is shown an old one
KEPT_S = 7 * 24 * 3600

A_ROW, MOST_ROWS = 25, 2  # frames
MOST_FRAMES = A_ROW * MOST_ROWS
PITCH, ROW = 41, 74  # of a full row of frames, in card pixels
LARGEST_PITCH = 64  # a strip of few frames is drawn larger
LEFT, RIGHT = 80, 1120
MOST_LINES = 4  # of title and sentence together, so that they end above the strip

PAPER, INK, TEXT, QUIET, RULE, RED, OCHRE = (
    "#fbfcfd",
    "#333845",
    "#10131c",
    "#5a6273",
    "#b4bac4",
    "#c92a2a",
    "#8a6100",
)
COLOURS = {FrameState.PASSED: INK, FrameState.NO_ANSWER: OCHRE}  # of frames; else RULE
# Brackets with nothing left in them, and marks that nothing stands before any more.
_LOOSE = re.compile(r"[(\[{]\s*[)\]}]|(?<!\S)[,;:.–—-]+(?=\s|$)")
FONTS = Path(__file__).resolve().parents[2] / "fonts"


@dataclass(frozen=True, slots=True)
class Card:
    """What a card says. ``frames``: one letter a case (p, f, e …); longer strips are cut, and say so."""

    title: str
    byline: str
    sentence: str
    frames: str
    foot: str = ""

    @property
    def digest(self) -> str:
        """The same for the same picture: its ETag, and its place in the cache."""
        said = json.dumps([DRAWING, asdict(self)], sort_keys=True)
        return sha256(said.encode("utf-8", "replace")).hexdigest()[:32]

    def png(self) -> bytes:
        """The picture, drawn once and then kept."""
        key, store = f"card:{self.digest}", caches["cards"]
        kept: bytes | None = store.get(key)
        if kept is None:
            kept = draw(self)
            store.set(key, kept, timeout=KEPT_S)
        return kept


def drawable(text: str, instead: str = "") -> str:
    """What of ``text`` can be drawn truly, on one line; ``instead`` where that is no letter and no digit."""
    line = " ".join(unicodedata.normalize("NFC", text).split())
    kept = "".join(letter for letter in line if _can_draw(letter))
    if kept != line:
        kept = " ".join(_LOOSE.sub("", " ".join(kept.split())).split())
    return kept if any(letter.isalnum() for letter in kept) else instead


# --- drawing ---------------------------------------------------------------------------------------------


def draw(card: Card) -> bytes:
    picture = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), PAPER)
    pen = _Pen(ImageDraw.Draw(picture))
    pen.mark(LEFT, 56)
    pen.text(LEFT + 92, 48, "Proofsheet", 30, bold=True)
    pen.text_right(RIGHT, 50, _fitted(card.byline, 28, 560), 28)
    y = 120
    title = _wrapped(card.title, 62, RIGHT - LEFT, 2, bold=True)
    for line in title:
        pen.text(LEFT, y, line, 62, bold=True)
        y += 74
    y += 12
    for line in _wrapped(card.sentence, 36, RIGHT - LEFT, MOST_LINES - len(title)):
        pen.text(LEFT, y, line, 36, fill=INK)
        y += 49
    pen.strip(LEFT, 456, card.frames[:MOST_FRAMES] or FrameState.WAITING * A_ROW)
    pen.text(LEFT, 556, _fitted(card.foot, 28, RIGHT - LEFT), 28)
    return _as_png(picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS))


def _as_png(picture: Image.Image) -> bytes:
    """In few colours, chosen beforehand: what is rare, a cross, keeps its red."""
    out = BytesIO()
    few = picture.quantize(palette=_palette(), dither=Image.Dither.NONE)
    few.save(out, "PNG", optimize=True)
    return out.getvalue()


@cache
def _palette() -> Image.Image:
    """Paper, and every colour in seven steps towards it, for smooth edges."""
    paper = ImageColor.getrgb(PAPER)
    colours = [paper]
    for pencil in (INK, TEXT, QUIET, RULE, RED, OCHRE):
        ink = ImageColor.getrgb(pencil)
        for step in range(1, 8):
            mixed = [round(p + (i - p) * step / 7) for p, i in zip(paper, ink, strict=True)]
            colours.append((mixed[0], mixed[1], mixed[2]))
    palette = Image.new("P", (1, 1))
    palette.putpalette([channel for colour in colours for channel in colour])
    return palette


@dataclass(frozen=True, slots=True)
class _Pen:
    """Draws in card pixels; the picture is SCALE times as large."""

    on: ImageDraw.ImageDraw

    def text(self, x: int, y: int, text: str, size: int, *, bold: bool = False, fill: str = "") -> None:
        colour = fill or (TEXT if bold else QUIET)
        self.on.text((x * SCALE, y * SCALE), text, font=_font(size * SCALE, bold), fill=colour)

    def text_right(self, x: int, y: int, text: str, size: int) -> None:
        self.text(x - round(_width(text, size)), y, text, size)

    def box(self, x: float, y: float, width: float, height: float, colour: str, *, solid: bool) -> None:
        corners = [x * SCALE, y * SCALE, (x + width) * SCALE, (y + height) * SCALE]
        self.on.rectangle(corners, fill=colour if solid else None, outline=None if solid else colour, width=3)

    def cross(self, x: int, y: int, size: int, stroke: float) -> None:
        out = 4
        for start, end in (
            ((-out, -out), (size + out, size + out)),
            ((size + out, -out), (-out, size + out)),
        ):
            line = [
                ((x + start[0]) * SCALE, (y + start[1]) * SCALE),
                ((x + end[0]) * SCALE, (y + end[1]) * SCALE),
            ]
            self.on.line(line, fill=RED, width=round(stroke * SCALE))

    def frame(self, x: int, y: int, state: str, size: int) -> None:
        self.box(x, y, size, size, COLOURS.get(FrameState(state), RULE), solid=state == FrameState.PASSED)
        if state == FrameState.FAILED:
            self.cross(x, y, size, size / 7)
        if state == FrameState.NO_ANSWER:
            self.box(x + size / 2 - 2, y + 7, 4, size / 2 - 4, OCHRE, solid=True)
            self.box(x + size / 2 - 2, y + size - 10, 4, 4, OCHRE, solid=True)

    def mark(self, x: int, y: int) -> None:
        for place, state in enumerate("ppf"):
            self.frame(x + place * 28, y, state, 20)

    def strip(self, x: int, middle: int, frames: str) -> None:
        """One row of frames, as large as they fit, or two, around the height ``middle``."""
        rows = [frames[start : start + A_ROW] for start in range(0, len(frames), A_ROW)]
        pitch = min(LARGEST_PITCH, (RIGHT - LEFT) // len(frames)) if len(rows) == 1 else PITCH
        size = pitch * 4 // 5
        first = middle - size // 2 - (len(rows) - 1) * ROW // 2
        for number, row in enumerate(rows):
            top = first + number * ROW
            for hole in range(x, x + len(row) * pitch - (pitch - size) - 6, 18):
                self.box(hole, top - 16, 7, 3, RULE, solid=True)
                self.box(hole, top + size + 13, 7, 3, RULE, solid=True)
            for place, state in enumerate(row):
                self.frame(x + place * pitch, top, state, size)


# --- text ------------------------------------------------------------------------------------------------


@cache
def _font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONTS / f"DejaVuSans{'-Bold' if bold else ''}.ttf", size)


@lru_cache(maxsize=4096)
def _can_draw(letter: str) -> bool:
    """Whether both weights have it, and it stands where it is put: left to right, on its own."""
    if letter == " ":
        return True
    stacked = unicodedata.combining(letter) or unicodedata.category(letter)[0] in "CMZ"
    if stacked or unicodedata.bidirectional(letter) in {"R", "AL", "AN"}:
        return False
    return all(_picture(letter, bold) != _picture("\U0010fffd", bold) for bold in (False, True))


def _picture(letter: str, bold: bool) -> tuple[tuple[int, int], bytes]:
    mask = _font(40, bold).getmask(letter)
    return mask.size, bytes(mask)


def _width(text: str, size: int, bold: bool = False) -> float:
    return _font(size * SCALE, bold).getlength(text) / SCALE


def _fitted(text: str, size: int, width: int, bold: bool = False) -> str:
    """``text`` cut to ``width`` pixels, with an ellipsis where it was cut."""
    if _width(text, size, bold) <= width:
        return text
    kept = text[:400]
    while kept and _width(kept + "…", size, bold) > width:
        kept = kept[:-1]
    return kept.rstrip(" ,;:.") + "…"


def _wrapped(text: str, size: int, width: int, most: int, *, bold: bool = False) -> list[str]:
    """At most ``most`` lines; what does not fit ends in an ellipsis."""
    words = text.split()
    lines = list(_lines(words, size, width, bold))
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], _fitted(" ".join(lines[most - 1 :]), size, width, bold)]


def _lines(words: Sequence[str], size: int, width: int, bold: bool) -> Iterator[str]:
    line = ""
    for word in words:
        longer = f"{line} {word}".strip()
        if line and _width(longer, size, bold) > width:
            yield _fitted(line, size, width, bold)
            line = word
        else:
            line = longer
    if line:
        yield _fitted(line, size, width, bold)
