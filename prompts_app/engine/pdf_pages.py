"""Pages of a PDF as pictures, drawn by PDFium. No script in it runs, no form is filled, no link is followed.

What PDFium makes of a hostile file is bounded by the process it is done in: call this by
``limited_process.apart`` alone.
"""

from prompts_app.engine.errors import PictureRefused
from prompts_app.engine.pictures import LONGEST_SIDE, SentPicture, to_send

PDF_START = b"%PDF-"
MOST_BYTES = 10 * 1024 * 1024  # of a file
MOST_PAGES = 10  # drawn at once
_SHARPEST = 4.0  # pixels for each point of a small page: 288 dpi

_NOT_READABLE = (
    "This PDF is damaged, or locked with a password. Print it to a new PDF, or save the page as a picture."
)


def is_pdf(data: bytes) -> bool:
    return data.startswith(PDF_START)


def pages_of_pdf(data: bytes, first: int, last: int) -> list[SentPicture]:
    """Pages ``first`` to ``last``, from 1. Raises PictureRefused."""
    # Only here: a process that serves pages never draws one.
    import pypdfium2
    from pypdfium2 import PdfiumError

    if len(data) > MOST_BYTES:
        raise PictureRefused(f"This PDF has more than {MOST_BYTES // 2**20} MB. Cut out the pages you need.")
    try:
        document = pypdfium2.PdfDocument(data)
        count = len(document)
        _check_pages(first, last, count)
        return [_drawn(document[number]) for number in range(first - 1, last)]
    except PdfiumError as error:
        raise PictureRefused(_NOT_READABLE) from error


def _check_pages(first: int, last: int, count: int) -> None:
    if not 1 <= first <= last <= count:
        raise PictureRefused(f"This PDF has {count:,} page{'' if count == 1 else 's'}. Choose among these.")
    if last - first >= MOST_PAGES:
        raise PictureRefused(f"At most {MOST_PAGES} pages at once.")


def _drawn(page: object) -> SentPicture:
    width, height = page.get_size()  # type: ignore[attr-defined]  # the package has no types
    if not (width > 0 and height > 0) or max(width, height) > 20 * min(width, height):
        raise PictureRefused("A page of this PDF has no usual shape. Save it as a picture instead.")
    scale = min(_SHARPEST, LONGEST_SIDE / max(width, height))
    bitmap = page.render(scale=scale, may_draw_forms=False)  # type: ignore[attr-defined]
    return to_send(bitmap.to_pil().convert("RGB"))
