"""What the practice endpoint draws: shapes by the text's hash, and beneath them that it is practice. And what
it sees of a picture, which is its size."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 512, 384
LABEL = "practice, not a model"
PAPER, INK = (251, 252, 253), (16, 19, 28)
SHAPES = 7


def draw(text: str, *, sloppy: bool = False) -> bytes:
    """A PNG; the same for the same text. ``sloppy`` leaves most of it out."""
    dice = sha256(text.encode("utf-8", "replace")).digest()
    picture = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    pen = ImageDraw.Draw(picture)
    for number in range(1 if sloppy else SHAPES):
        x, y, size, hue = dice[number * 4 : number * 4 + 4]
        left, top, side = x * WIDTH // 256 - 30, y * HEIGHT // 256 - 30, 40 + size // 2
        box = (left, top, left + side, top + side)
        colour = (90 + hue // 2, 200 - hue // 2, 110 + size // 3)
        (pen.ellipse if hue % 2 else pen.rectangle)(box, fill=colour)
    pen.rectangle((0, HEIGHT - 48, WIDTH, HEIGHT), fill=INK)
    pen.text((16, HEIGHT - 40), LABEL, fill=PAPER, font=ImageFont.load_default(24))
    out = BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def seen(pictures: Mapping[str, bytes]) -> Iterator[str]:
    """A line for each that is sent."""
    for data in pictures.values():
        with Image.open(BytesIO(data), formats=["JPEG"]) as picture:
            yield f"Picture: {picture.width} × {picture.height} pixels"
