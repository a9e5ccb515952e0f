"""A picture comes in by one way: read in full, drawn anew, nothing kept of the file but its pixels."""

import io
import zipfile
from hashlib import sha256
from io import BytesIO

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from prompts_app.engine import pictures
from prompts_app.engine.errors import PictureRefused
from prompts_app.engine.pictures import FACE_SIDE, LONGEST_SIDE, SMALL_SIDE, keep, square
from prompts_app.tests.engine.files import (
    BLUE,
    RED,
    a_file,
    a_picture,
    as_file,
    moving,
    png_that_claims,
    with_place,
)

KINDS = ("PNG", "JPEG", "WEBP")


def opened(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image


def chunks_of(webp: bytes) -> list[bytes]:
    """The kinds of its chunks; also that they fill the file to its last byte."""
    assert webp[:4] + webp[8:12] == b"RIFFWEBP"
    at, kinds = 12, []
    while at < len(webp):
        kinds.append(webp[at : at + 4])
        size = int.from_bytes(webp[at + 4 : at + 8], "little")
        at += 8 + size + size % 2
    assert at == len(webp) == 8 + int.from_bytes(webp[4:8], "little")
    return kinds


def is_near(one: object, other: tuple[int, int, int]) -> bool:
    assert isinstance(one, tuple)
    return all(abs(a - b) < 40 for a, b in zip(one[:3], other, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_kept_as_a_webp_of_our_own_with_a_small_one(kind: str) -> None:
    original = a_file(kind, 900, 600)
    kept = keep(original)
    picture, small = opened(kept.data), opened(kept.small)
    assert (picture.format, picture.size, small.format) == ("WEBP", (900, 600), "WEBP")
    assert (kept.width, kept.height) == (900, 600)
    assert max(small.size) == SMALL_SIDE
    assert is_near(picture.getpixel((10, 10)), BLUE)
    assert is_near(picture.getpixel((890, 10)), RED)


def test_the_bytes_that_came_are_hashed_as_they_came() -> None:
    original = with_place("JPEG")
    kept = keep(original)
    assert kept.original_digest == sha256(original).hexdigest()
    assert kept.original_size == len(original)
    about = kept.about()
    assert about["sha256"] == sha256(kept.data).hexdigest() != about["original_sha256"]
    assert about["small_sha256"] == sha256(kept.small).hexdigest()


@pytest.mark.parametrize("kind", KINDS)
def test_camera_place_profile_and_texts_are_gone(kind: str) -> None:
    original = with_place(kind)
    assert b"Secret" in original, "the test must be able to see it"
    kept = keep(original)
    for data in (kept.data, kept.small, square(original)):
        assert b"Secret" not in data
        assert not set(chunks_of(data)) & {b"EXIF", b"XMP ", b"ICCP"}
        assert not opened(data).getexif()
        assert "icc_profile" not in opened(data).info


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_picture_taken_on_its_side_stands_upright(turn: int) -> None:
    """The eight ways EXIF can turn a picture; seen upright the left half is blue in all of them."""
    turned = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[turn]
    seen = a_picture(80, 60)
    exif = Image.Exif()
    exif[0x0112] = turn
    original = as_file(seen.transpose(turned) if turned is not None else seen, "JPEG", exif=exif, quality=95)
    upright = opened(keep(original).data)
    assert upright.size == (80, 60)
    assert is_near(upright.getpixel((8, 30)), BLUE)
    assert is_near(upright.getpixel((72, 30)), RED)


def test_a_large_picture_is_made_smaller_and_keeps_its_shape() -> None:
    kept = keep(a_file("JPEG", 3000, 1500))
    assert (kept.width, kept.height) == (LONGEST_SIDE, LONGEST_SIDE // 2)
    assert opened(kept.data).size == (kept.width, kept.height)


def test_a_face_is_the_middle_of_a_picture() -> None:
    face = opened(square(a_file("PNG", 900, 300)))
    assert face.size == (FACE_SIDE, FACE_SIDE)
    assert is_near(face.getpixel((10, 10)), BLUE)
    assert is_near(face.getpixel((FACE_SIDE - 10, 10)), RED)
    assert opened(square(a_file("PNG", 30, 20))).size == (20, 20), "never larger than it came"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
def test_every_way_of_writing_colours_is_read(mode: str) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    picture = a_picture().convert(mode) if mode != "I;16" else Image.new("I;16", (40, 30), 30_000)
    kept = opened(keep(as_file(picture, kind)).data)
    assert kept.mode in ("RGB", "RGBA")
    assert kept.size == (40, 30)


def test_what_is_see_through_stays_so() -> None:
    clear = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    assert opened(keep(as_file(clear)).data).convert("RGBA").getpixel((5, 5))[3] == 0  # type: ignore[index]


# --- what is refused ---

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def a_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("evil.html", "<script>alert(1)</script>")
    return out.getvalue()


REFUSED = {
    "nothing": (b"", "empty"),
    "text": (b"hello", "no PNG, JPEG or WebP"),
    "SVG": (SVG, "no PNG, JPEG or WebP"),
    "SVG behind an XML line": (b'<?xml version="1.0"?>' + SVG, "no PNG, JPEG or WebP"),
    "HTML": (b"<!doctype html><script>alert(1)</script>", "no PNG, JPEG or WebP"),
    "PDF": (b"%PDF-1.7", "no PNG, JPEG or WebP"),
    "a zip": (a_zip(), "no PNG, JPEG or WebP"),
    "GIF": (as_file(a_picture(), "GIF"), "GIF"),
    "BMP": (as_file(a_picture(), "BMP"), "no PNG, JPEG or WebP"),
    "TIFF": (as_file(a_picture(), "TIFF"), "no PNG, JPEG or WebP"),
    "a moving PNG": (moving("PNG"), "moves"),
    "a moving WebP": (moving("WEBP"), "moves"),
    "half a PNG": (a_file("PNG", 400, 400)[:-40], "damaged"),
    "half a JPEG": (a_file("JPEG", 400, 400)[:-200], "damaged"),
    "half a WebP": (a_file("WEBP", 400, 400)[:-40], "damaged"),
    "only a PNG's first bytes": (b"\x89PNG\r\n\x1a\n", "damaged"),
    "only a JPEG's first bytes": (b"\xff\xd8\xff\xe0", "damaged"),
    "only a WebP's first bytes": (b"RIFF\x04\0\0\0WEBP", "damaged"),
    "a WAV that begins like a WebP": (b"RIFF\x24\0\0\0WAVEfmt ", "no PNG, JPEG or WebP"),
    "a PNG with a zip behind it": (a_file() + a_zip(), "behind the picture"),
    "a WebP with HTML behind it": (a_file("WEBP") + SVG, "behind the picture"),
    "a few bytes that unpack to 2.5 thousand million pixels": (png_that_claims(50_000, 50_000), "the most"),
    "a few bytes that unpack to 64 million pixels": (png_that_claims(8_000, 8_000), "the most"),
    "a thread": (a_file("PNG", 1, 2_000), "20 times"),
}


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_plain_picture_is_refused_with_a_sentence(name: str) -> None:
    original, says = REFUSED[name]
    for take in (keep, square):
        with pytest.raises(PictureRefused) as why:
            take(original)
        assert says in str(why.value)
        assert str(why.value)[0].isupper()
        assert str(why.value).endswith(".")


def test_a_file_over_the_limit_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MOST_BYTES", 100)
    monkeypatch.setattr(Image, "open", lambda *args, **kwargs: pytest.fail("it was opened"))
    with pytest.raises(PictureRefused, match="is the most"):
        keep(a_file())


def test_a_webp_that_claims_to_be_huge_is_refused_before_it_is_unpacked() -> None:
    small = bytearray(a_file("WEBP", 40, 30, lossless=True))
    assert small[12:16] == b"VP8L"
    small[21:25] = (0x3FFF | 0x3FFF << 14).to_bytes(4, "little")  # 16,384 × 16,384
    with pytest.raises(PictureRefused):
        keep(bytes(small))


def test_what_stands_behind_a_jpeg_is_not_kept() -> None:
    """Cameras leave data of their own there, so it is no reason to refuse; none of it survives."""
    kept = keep(a_file("JPEG") + a_zip())
    for data in (kept.data, kept.small):
        assert b"PK\x03\x04" not in data
        assert b"evil" not in data
        assert chunks_of(data)
        assert not zipfile.is_zipfile(BytesIO(data))


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(
    kind=st.sampled_from(KINDS),
    cuts=st.lists(st.tuples(st.integers(0, 2_000), st.binary(max_size=6)), max_size=4),
    length=st.integers(0, 3_000),
)
@example(kind="PNG", cuts=[(16, b"\xff\xff\xff\xff")], length=3_000)
@example(kind="WEBP", cuts=[(4, b"\xff\xff\xff\xff")], length=3_000)
def test_a_damaged_file_is_refused_or_becomes_a_clean_picture(
    kind: str, cuts: list[tuple[int, bytes]], length: int
) -> None:
    """Whatever bytes come: either the sentence, or a WebP of nothing but picture chunks. Nothing else."""
    data = bytearray(a_file(kind, 64, 48))
    for place, junk in cuts:
        data[place % len(data) : place % len(data) + len(junk)] = junk
    try:
        kept = keep(bytes(data[:length]))
    except PictureRefused:
        return
    assert set(chunks_of(kept.data)) <= {b"VP8 ", b"VP8L", b"VP8X", b"ALPH"}
    assert opened(kept.data).size == (kept.width, kept.height)
    assert max(kept.width, kept.height) <= LONGEST_SIDE


@settings(deadline=None, max_examples=40)
@given(text=st.binary(min_size=8, max_size=60).filter(lambda text: len(set(text)) > 4))
def test_no_text_of_the_original_survives(text: bytes) -> None:
    """Wherever it stood: in a comment of a JPEG, behind its end."""
    original = a_file("JPEG", comment=text) + text
    kept = keep(original)
    assert text not in kept.data
    assert text not in kept.small


@pytest.mark.parametrize("lossless", [True, False])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_webp_says_its_size_before_anything_is_made_of_it(
    lossless: bool, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """36 bytes can be 25 million pixels, and its reader makes room for all of them at once."""
    out = BytesIO()
    Image.new(mode, (300, 200)).save(out, "WEBP", lossless=lossless)
    assert pictures._size_of_webp(out.getvalue()) == (300, 200)
    monkeypatch.setitem(pictures.MOST_PIXELS, "WebP", 59_999)
    monkeypatch.setattr(Image, "open", lambda *args, **more: pytest.fail("opened"))
    with pytest.raises(PictureRefused, match="300 × 200"):
        keep(out.getvalue())
