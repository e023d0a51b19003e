"""Sheet music as PDF, SVG and PNG, engraved by verovio; no system library, font or tool.

The Score becomes MusicXML, verovio lays it out, and each page is drawn from verovio's SVG. A PDF
holds all pages; an SVG or PNG shows them one below the other.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

from segue.errors import FormatError, LimitError
from segue.formats.limits import check
from segue.formats.musicxml_write import to_text
from segue.score import Score

# A4 in tenths of a millimetre, verovio's unit of layout, and in points.
_PAGE_WIDTH, _PAGE_HEIGHT = 2100, 2970
_POINTS = 72 / 254
_MARGIN = 120
_SCALE = 40  # percent, of an SVG in a browser; a staff is 7 mm high on paper
_MOST_STACKED_PAGES = 40
MOST_BARS = 8_000
"""Laying out twice as many takes four times as long; these take six seconds."""
MOST_NOTES = 100_000
"""Four times the longest recording of MAESTRO, which fills 72 pages."""
_DOTS_PER_INCH = 120


def write(score: Score, path: str | Path, *, dots_per_inch: int = _DOTS_PER_INCH) -> None:
    """Write a Score as sheet music; the suffix says what: .pdf, .svg or .png.

    `dots_per_inch` is the resolution of a PNG. Raises FormatError for a Score without notes or
    one that verovio cannot lay out, LimitError for one too long or a picture of too many pages.
    """
    file = Path(path)
    pages = engrave(score)
    match file.suffix.lower():
        case ".pdf":
            file.write_bytes(_pdf(pages))
        case ".svg":
            file.write_text(_stacked_svg(pages, file), encoding="utf-8")
        case ".png":
            _check_stacked(pages, file)
            file.write_bytes(_png(_pdf(pages), dots_per_inch))
        case suffix:
            raise FormatError(f"{file}: sheet music is .pdf, .svg or .png, not {suffix}.")


def engrave(score: Score) -> list[str]:
    """The pages of a Score as SVG texts, A4 upright; errors as `write`."""
    check("notes", len(score), MOST_NOTES, "the music")
    check("bars", score.end_bars, MOST_BARS, "the music")
    text = to_text(score)
    toolkit = _toolkit()
    # After a load that failed, verovio's other calls may end the process: look first.
    if not toolkit.loadData(text):
        raise FormatError("verovio could not lay this music out; write .musicxml instead.")
    pages = [str(toolkit.renderToSVG(n)) for n in range(1, toolkit.getPageCount() + 1)]
    if not pages or not all(page.lstrip().startswith("<svg") for page in pages):
        raise FormatError("verovio laid out no page of this music; write .musicxml instead.")
    return pages


def _toolkit() -> Any:
    import verovio

    verovio.enableLog(verovio.LOG_OFF)
    toolkit = verovio.toolkit()
    toolkit.setOptions(
        {
            "inputFrom": "musicxml",
            "pageWidth": _PAGE_WIDTH,
            "pageHeight": _PAGE_HEIGHT,
            "pageMarginLeft": _MARGIN,
            "pageMarginRight": _MARGIN,
            "pageMarginTop": _MARGIN,
            "pageMarginBottom": _MARGIN,
            "scale": _SCALE,
            "systemDivider": "none",
            "breaks": "auto",
            "footer": "none",
            "xmlIdChecksum": True,  # the same music gives the same bytes
        }
    )
    return toolkit


def _pdf(pages: list[str]) -> bytes:
    from reportlab.pdfgen.canvas import Canvas

    from segue.formats.svg_pdf import Drawing

    buffer = io.BytesIO()
    size = (_PAGE_WIDTH * _POINTS, _PAGE_HEIGHT * _POINTS)
    canvas = Canvas(buffer, pagesize=size, pageCompression=1, invariant=1)
    drawing = Drawing(canvas)
    for page in pages:
        drawing.page(page, *size)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _check_stacked(pages: list[str], file: Path) -> None:
    if len(pages) > _MOST_STACKED_PAGES:
        raise LimitError(
            f"{file} would be a picture of {len(pages)} pages; up to {_MOST_STACKED_PAGES} go into "
            "one: write a .pdf, or a part of the piece."
        )


def _stacked_svg(pages: list[str], file: Path) -> str:
    """All pages in one SVG, one below the other."""
    _check_stacked(pages, file)
    if len(pages) == 1:
        return pages[0]
    height = _PAGE_HEIGHT
    size = f'width="{_PAGE_WIDTH}" height="{height}"'
    rows = [
        re.sub(r"<svg\b", f'<svg y="{i * height}"', page, count=1) for i, page in enumerate(pages)
    ]
    rows = [re.sub(r'width="[^"]*" height="[^"]*"', size, row, count=1) for row in rows]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_PAGE_WIDTH} {height * len(rows)}" '
        f'width="{_PAGE_WIDTH * 0.4:.0f}px" height="{height * len(rows) * 0.4:.0f}px">\n'
        + "\n".join(rows)
        + "\n</svg>\n"
    )


def _png(pdf: bytes, dots_per_inch: int) -> bytes:
    """The pages of a PDF in one picture, one below the other."""
    import pypdfium2
    from PIL import Image

    document = pypdfium2.PdfDocument(pdf)
    try:
        pictures = [
            document[i].render(scale=dots_per_inch / 72, grayscale=True).to_pil()
            for i in range(len(document))
        ]
    finally:
        document.close()
    width = max(picture.width for picture in pictures)
    whole = Image.new("L", (width, sum(picture.height for picture in pictures)), 255)
    top = 0
    for picture in pictures:
        whole.paste(picture, (0, top))
        top += picture.height
    buffer = io.BytesIO()
    whole.save(buffer, "PNG", optimize=False)
    return buffer.getvalue()
