"""Pages of a PDF as pictures, in a process with limits: whatever the file, a picture or a sentence."""

import random
from io import BytesIO

import pytest
from PIL import Image

from prompts_app.engine.errors import Overrun, PictureRefused
from prompts_app.engine.limited_process import Limits, apart
from prompts_app.engine.pdf_pages import MOST_BYTES, MOST_PAGES, is_pdf, pages_of_pdf
from prompts_app.engine.pictures import LONGEST_SIDE, SentPicture, is_bare_jpeg
from prompts_app.tests.engine.files import as_file

LIMITS = Limits(20, 700)


def a_pdf(pages: int = 3, size: tuple[int, int] = (300, 400)) -> bytes:
    """Each page of another colour."""
    drawn = [Image.new("RGB", size, (40 * number, 200, 90)) for number in range(pages)]
    return as_file(drawn[0], "PDF", save_all=True, append_images=drawn[1:])


def with_objects(*objects: str) -> bytes:
    """A PDF without a table of its objects, which PDFium then looks for itself."""
    body = "\n".join(f"{number} 0 obj\n{said}\nendobj" for number, said in enumerate(objects, 1))
    return f"%PDF-1.7\n{body}\ntrailer\n<</Root 1 0 R>>\n%%EOF".encode()


def one_page(page: str, *more: str) -> bytes:
    return with_objects("<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>", page, *more)


def drawn(data: bytes, first: int = 1, last: int = 1) -> list[SentPicture]:
    return apart(LIMITS, pages_of_pdf, data, first, last)


def is_told_or_drawn(data: bytes, seconds: int = 20) -> bool:
    try:
        (one,) = apart(Limits(seconds, 700), pages_of_pdf, data, 1, 1)
    except (PictureRefused, Overrun) as why:
        return str(why).endswith(".")
    return max(one.width, one.height) <= LONGEST_SIDE


def test_the_pages_asked_for_are_drawn_in_their_order() -> None:
    data = a_pdf()
    assert is_pdf(data)
    second, third = drawn(data, 2, 3)
    assert max(second.width, second.height) <= LONGEST_SIDE
    assert is_bare_jpeg(second.data)
    colours = [Image.open(BytesIO(one.data)).convert("RGB").getpixel((9, 9)) for one in (second, third)]
    assert all(isinstance(colour, tuple) for colour in colours)
    assert [round(colour[0] / 40) for colour in colours if isinstance(colour, tuple)] == [1, 2]


@pytest.mark.parametrize("pages", [(0, 1), (2, 1), (4, 4), (1, 9)])
def test_pages_that_are_not_there_are_told(pages: tuple[int, int]) -> None:
    with pytest.raises(PictureRefused, match="3 pages"):
        drawn(a_pdf(), *pages)


def test_only_so_many_at_once() -> None:
    with pytest.raises(PictureRefused, match=f"At most {MOST_PAGES}"):
        drawn(a_pdf(MOST_PAGES + 1), 1, MOST_PAGES + 1)


@pytest.mark.parametrize(
    "hostile",
    [
        b"%PDF-", b"%PDF-1.7\n" + b"\0" * 999, a_pdf()[:600],
        b"%PDF-1.4" + random.Random(1).randbytes(20_000),  # always the same
        one_page("<</Type/Page/Parent 2 0 R/MediaBox[0 0 99999999 9]>>"),
        with_objects("<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[2 0 R]/Count 1>>"),
        with_objects("<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[]/Count 99999999>>"),
        b"%PDF-1.7" + b"\n" * MOST_BYTES,
    ],
)  # fmt: skip
def test_hostile_files_are_refused_with_a_sentence(hostile: bytes) -> None:
    with pytest.raises((PictureRefused, Overrun), match=r"\.$"):
        drawn(hostile)


def test_a_huge_page_becomes_a_picture_of_the_usual_size() -> None:
    (one,) = drawn(one_page("<</Type/Page/Parent 2 0 R/MediaBox[0 0 999999 999999]>>"))
    assert (one.width, one.height) == (LONGEST_SIDE, LONGEST_SIDE)


def test_a_picture_in_it_that_unpacks_to_billions_of_bytes_ends_within_the_limits() -> None:
    bomb = (
        "<</Type/XObject/Subtype/Image/Width 60000/Height 60000/ColorSpace/DeviceRGB/BitsPerComponent 8"
        "/Filter[/ASCIIHexDecode]/Length 4>>stream\nff00\nendstream"
    )
    page = (
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Resources<</XObject<</I 4 0 R>>>>/Contents 5 0 R>>"
    )
    said = "<</Length 24>>stream\n300 0 0 300 0 0 cm /I Do\nendstream"
    assert is_told_or_drawn(one_page(page, bomb, said))


def test_what_draws_for_ever_is_stopped() -> None:
    loop = "/F Do " * 200
    form = (
        f"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Length {len(loop)}/Resources<</XObject<</F %d 0 R>>>>>>"
    )
    forms = [f"{form % (number + 1)}stream\n{loop}\nendstream" for number in range(5, 12)]
    page = (
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Resources<</XObject<</F 5 0 R>>>>/Contents 4 0 R>>"
    )
    said = "<</Length 5>>stream\n/F Do\nendstream"
    assert is_told_or_drawn(one_page(page, said, *forms), seconds=2)


def test_a_script_in_it_changes_nothing() -> None:
    said = "<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>>>"
    page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]>>"
    (one,) = drawn(with_objects(said, "<</Type/Pages/Kids[3 0 R]/Count 1>>", page))
    assert (one.width, one.height) == (1200, 1200)
