"""Picture files for tests: good ones, and those no picture should be."""

import struct
import zlib
from io import BytesIO
from typing import Any

from PIL import Image, PngImagePlugin

RED, BLUE = (200, 30, 30), (30, 30, 200)


def a_picture(width: int = 40, height: int = 30, mode: str = "RGB") -> Image.Image:
    """Red, with a blue left half: it shows which way up it is."""
    picture = Image.new("RGB", (width, height), RED)
    picture.paste(BLUE, (0, 0, width // 2, height))
    return picture.convert(mode)


def as_file(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def a_file(kind: str = "PNG", width: int = 40, height: int = 30, **options: Any) -> bytes:
    return as_file(a_picture(width, height), kind, **options)


def with_place(kind: str) -> bytes:
    """With a camera, a place on earth, and (but for JPEG and WebP) a text in it."""
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    options: dict[str, Any] = {"exif": exif, "icc_profile": b"SecretProfile" * 20}
    if kind == "PNG":
        texts = PngImagePlugin.PngInfo()
        texts.add_text("Comment", "SecretComment")
        options["pnginfo"] = texts
    if kind == "JPEG":
        options["comment"] = b"SecretComment"
    if kind == "WEBP":
        options["xmp"] = b"<x>SecretComment</x>"
    return a_file(kind, **options)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_that_claims(width: int, height: int) -> bytes:
    """A few bytes that unpack to this many pixels, or claim to."""
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * ((width // 8 + 1) * min(height, 2000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def moving(kind: str) -> bytes:
    frames = [a_picture(), a_picture(mode="L").convert("RGB")]
    return as_file(frames[0], kind, save_all=True, append_images=frames[1:])
