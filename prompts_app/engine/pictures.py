"""The one way a picture comes in: read in full by Pillow, drawn anew, and written as a WebP of our own.

Nothing of the file that came survives but its pixels: no EXIF, place or camera, no colour profile (colours
are taken for sRGB), no texts, nothing behind the picture's end. What came is only hashed, before anything
else is done with it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from io import BytesIO
from threading import BoundedSemaphore
from typing import NewType

from PIL import Image, ImageOps

from prompts_app.engine.errors import PictureRefused
from prompts_app.engine.picture_types import Picture

MOST_BYTES = 8 * 1024 * 1024  # of a file that comes in
# A JPEG is read at the size that is wanted; a PNG takes some 6 bytes a pixel, a WebP 20.
MOST_PIXELS = {"JPEG": 25_000_000, "PNG": 17_000_000, "WebP": 6_000_000}
LONGEST_SIDE = 2048  # pixels of what is kept
SMALL_SIDE = 320  # of the small one that lists show
FACE_SIDE = 256  # of an author's own picture
QUALITY, SMALL_QUALITY = 90, 80

KIND = "image/webp"  # of what is kept
FORMATS = ("PNG", "JPEG", "WEBP")
PNG_START, WEBP_START = b"\x89PNG\r\n\x1a\n", b"RIFF"

# Segments of a JPEG: what is needed to read its pixels, the header of 16 bytes, and where pixels begin.
_JFIF, _JFIF_BYTES, _PIXELS = 0xE0, 16, 0xDA
_BARE = {_JFIF, 0xDB, 0xC0, 0xC4, 0xDD}
_IN_PIXELS = {b"\x00", *(bytes([0xD0 + n]) for n in range(8))}

Square = NewType("Square", bytes)  # a square picture that was drawn anew

# A picture in the making takes up to 120 MB: two at once is what a small server can hold.
_in_the_making = BoundedSemaphore(2)

_NOT_READABLE = "This file is damaged, or is no picture. Save it anew as PNG, JPEG or WebP."
_TOO_MANY_PIXELS = "This picture has too many pixels: 25 million is the most. Make it smaller."


def keep(original: bytes, revised_prompt: str = "") -> Picture:
    """The picture in ``original`` as it is kept. Raises PictureRefused."""
    digest = sha256(original).hexdigest()
    with _read(original, LONGEST_SIDE) as picture:
        width, height = picture.size
        small = picture.copy()
        small.thumbnail((SMALL_SIDE, SMALL_SIDE))
        return Picture(
            data=_as_webp(picture, QUALITY),
            small=_as_webp(small, SMALL_QUALITY),
            width=width,
            height=height,
            original_digest=digest,
            original_size=len(original),
            revised_prompt=revised_prompt,
        )


@dataclass(frozen=True, slots=True)
class SentPicture:
    """A picture that is sent to models: a JPEG, and a small one for lists."""

    data: bytes
    small: bytes
    width: int
    height: int


def keep_to_send(original: bytes) -> SentPicture:
    """The picture in ``original`` as it is kept to be sent. Raises PictureRefused."""
    with _read(original, LONGEST_SIDE) as picture:
        return to_send(picture)


def keep_again(kept: bytes) -> SentPicture:
    """The same of what ``keep_to_send`` gave on another site: it is read in full, and kept byte for byte, so
    that its digest stays. Raises PictureRefused where more than a picture stands in it."""
    with _read(kept, LONGEST_SIDE) as picture:
        if not is_bare_jpeg(kept) or _sides(kept) != picture.size:
            raise PictureRefused("A picture of a case is not as one is kept. Upload it in the case instead.")
        return replace(to_send(picture), data=kept)


def to_send(picture: Image.Image) -> SentPicture:
    """On white where it is transparent."""
    if picture.mode == "RGBA":
        paper = Image.new("RGB", picture.size, "white")
        paper.paste(picture, mask=picture.getchannel("A"))
        picture = paper
    small = picture.copy()
    small.thumbnail((SMALL_SIDE, SMALL_SIDE))
    return SentPicture(_as_jpeg(picture), _as_jpeg(small), *picture.size)


def is_bare_jpeg(data: bytes) -> bool:
    """Whether nothing but a picture can stand in it: no place or camera, no text, no profile, nothing behind
    its end. It is walked through segment by segment up to its pixels."""
    at = 2
    if not data.startswith(b"\xff\xd8") or not data.endswith(b"\xff\xd9"):
        return False
    while at + 4 <= len(data) and data[at] == 0xFF:
        kind, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if kind == _PIXELS:
            rest = data[at + 2 + length : -2]
            return all(rest[i + 1 : i + 2] in _IN_PIXELS for i in _places(rest, b"\xff"))
        if kind not in _BARE or (kind == _JFIF and length != _JFIF_BYTES):
            return False
        at += 2 + length
    return False


def _places(data: bytes, sign: bytes) -> Iterator[int]:
    at = data.find(sign)
    while at >= 0:
        yield at
        at = data.find(sign, at + 1)


def _sides(jpeg: bytes) -> tuple[int, int]:
    with Image.open(BytesIO(jpeg), formats=["JPEG"]) as picture:
        return picture.size


def _as_jpeg(picture: Image.Image) -> bytes:
    out = BytesIO()
    picture.save(out, "JPEG", quality=QUALITY, subsampling=0, optimize=True)
    return out.getvalue()


def square(original: bytes, side: int = FACE_SIDE) -> Square:
    """The middle of a picture as a square of at most ``side`` pixels, a WebP. Raises PictureRefused."""
    with _read(original, LONGEST_SIDE) as picture:
        side = min(side, *picture.size)
        return Square(_as_webp(ImageOps.fit(picture, (side, side), Image.Resampling.LANCZOS), QUALITY))


@contextmanager
def _read(original: bytes, longest_side: int) -> Iterator[Image.Image]:
    """The picture upright, in plain RGB or RGBA, no side longer than that. Raises PictureRefused."""
    _check_file(original)
    with _in_the_making:
        try:
            yield _drawn_anew(original, longest_side)
        except PictureRefused:
            raise
        except Image.DecompressionBombError:
            raise PictureRefused(_TOO_MANY_PIXELS) from None
        except Exception as error:  # a hostile file makes Pillow raise whatever it stumbles over
            raise PictureRefused(_NOT_READABLE) from error


def _check_file(original: bytes) -> None:
    """What can be told before anything is unpacked. Raises PictureRefused."""
    if not original:
        raise PictureRefused("This file is empty. Choose the picture again.")
    if len(original) > MOST_BYTES:
        raise PictureRefused(
            f"This file has {len(original) / 2**20:.1f} MB; {MOST_BYTES // 2**20} MB is the most. "
            "Make it smaller."
        )
    is_webp = original.startswith(WEBP_START) and original[8:12] == b"WEBP"
    if not (original.startswith((PNG_START, b"\xff\xd8\xff")) or is_webp):
        raise PictureRefused(
            "This is no PNG, JPEG or WebP. Save it as one of these; GIF, SVG and other kinds are not taken."
        )
    if is_webp:
        _check_size("WebP", *_size_of_webp(original))  # reading it makes room for all of it at once
    end = _end_of_png(original) if original.startswith(PNG_START) else _end_of_webp(original)
    # Cameras leave data of their own behind a JPEG; it is dropped like everything that is not a pixel.
    if (original.startswith(PNG_START) or is_webp) and len(original) > end:
        raise PictureRefused("Something else stands behind the picture in this file. Save the picture anew.")


def _end_of_png(original: bytes) -> int:
    """Where its last chunk ends. Raises PictureRefused where that is behind the file's end."""
    at = len(PNG_START)
    while at + 12 <= len(original):
        length, kind = int.from_bytes(original[at : at + 4]), original[at + 4 : at + 8]
        at += 12 + length
        if kind == b"IEND":
            return at
    raise PictureRefused(_NOT_READABLE)


def _end_of_webp(original: bytes) -> int:
    size = int.from_bytes(original[4:8], "little")
    return 8 + size + size % 2


def _size_of_webp(original: bytes) -> tuple[int, int]:
    """Width and height as its first chunk says (RFC 9649). Raises PictureRefused where it says none."""
    kind, numbers = original[12:16], original[20:30]
    if len(numbers) < 10:
        raise PictureRefused(_NOT_READABLE)
    if kind == b"VP8X":
        return 1 + int.from_bytes(numbers[4:7], "little"), 1 + int.from_bytes(numbers[7:10], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(numbers[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = (int.from_bytes(numbers[at : at + 2], "little") & 0x3FFF for at in (6, 8))
    return width, height


def _drawn_anew(original: bytes, longest_side: int) -> Image.Image:
    with Image.open(BytesIO(original), formats=FORMATS) as image:
        _check_size("PNG" if image.format == "PNG" else "JPEG", *image.size)
        if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
            raise PictureRefused("This picture moves. Save one moment of it as a picture of its own.")
        image.draft("RGB", (longest_side, longest_side))  # a JPEG is read at the size that is wanted
        image.load()
        if image.mode in {"L", "RGB", "RGBA"} and "transparency" not in image.info:
            image.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)  # before it is copied
        ImageOps.exif_transpose(image, in_place=True)
        plain = image.convert("RGBA" if image.has_transparency_data else "RGB")
    plain.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    # The pixels, and nothing that hung on them.
    return Image.frombytes(plain.mode, plain.size, plain.tobytes())


def _check_size(kind: str, width: int, height: int) -> None:
    if not width * height:
        raise PictureRefused(_NOT_READABLE)
    if width * height > MOST_PIXELS[kind]:
        raise PictureRefused(
            f"This picture has too many pixels: {width:,} × {height:,}. Of a {kind}, "
            f"{MOST_PIXELS[kind] // 10**6} million is the most; make it smaller."
        )
    if max(width, height) > 20 * min(width, height):
        raise PictureRefused("One side of this picture is more than 20 times the other. Cut it smaller.")


def _as_webp(picture: Image.Image, quality: int) -> bytes:
    out = BytesIO()
    picture.save(out, "WEBP", quality=quality, method=4)
    return out.getvalue()
