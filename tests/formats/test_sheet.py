"""Sheet music: pages that show the notes, in every form, from nothing but what pip installs."""

from __future__ import annotations

import io
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from test_abc_read import JIG

import segue
from segue.errors import FormatError, LimitError
from segue.formats import abc, sheet
from segue.formats.svg_pdf import Drawing
from segue.score import NOTE, Score, Track, events

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def jig() -> Score:
    return abc.parse(JIG).score


def long_piece(bars: int = 120) -> Score:
    rows = [(480 * n, 480, 0, 60 + n % 13, 80) for n in range(4 * bars)]
    return Score(480, events(NOTE, rows), (Track("Étude Ж"),))


def heads(page: str) -> int:
    """Note heads drawn on a page."""
    root = ElementTree.fromstring(page)
    return sum("note" in g.get("class", "").split() for g in root.iter(f"{SVG}g"))


def picture(data: bytes) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(data)).convert("L"))


def test_every_note_of_the_jig_is_on_the_page(jig: Score) -> None:
    pages = sheet.engrave(jig)
    assert len(pages) == 1
    assert heads(pages[0]) == len(jig) == 188
    assert "The Legacy Jig" in pages[0]


def test_a_pdf_shows_staves_notes_and_title(jig: Score, tmp_path: Path) -> None:
    import pypdfium2

    segue.write(jig, tmp_path / "jig.pdf")
    document = pypdfium2.PdfDocument(tmp_path / "jig.pdf")
    try:
        assert len(document) == 1
        words = document[0].get_textpage().get_text_range()
        image = np.asarray(document[0].render(scale=2, grayscale=True).to_pil())
    finally:
        document.close()
    assert "The Legacy Jig" in words
    assert "31" in words  # the number of the last line's first bar
    dark = image < 128
    # A staff line crosses most of the page: six systems of five lines.
    full = dark.mean(axis=1) > 0.7
    assert int((full[1:] & ~full[:-1]).sum()) >= 25
    # And beams, heads and stems fill more than lines alone would.
    assert dark.mean() > 1.5 * full.mean() * dark[full].mean()


def test_a_pdf_holds_every_page_and_is_the_same_every_time(tmp_path: Path) -> None:
    import pypdfium2

    score = long_piece()
    pages = sheet.engrave(score)
    assert len(pages) > 1
    assert sum(map(heads, pages)) == len(score)
    for name in ("a.pdf", "b.pdf"):
        sheet.write(score, tmp_path / name)
    document = pypdfium2.PdfDocument(tmp_path / "a.pdf")
    try:
        assert len(document) == len(pages)
        assert "Étude Ж" in document[0].get_textpage().get_text_range()
    finally:
        document.close()
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()


def test_an_svg_holds_all_pages(tmp_path: Path) -> None:
    score = long_piece()
    segue.write(score, tmp_path / "a.sheet.svg")
    root = ElementTree.parse(tmp_path / "a.sheet.svg").getroot()
    assert len(root.findall(f"{SVG}svg")) == len(sheet.engrave(score))
    assert heads((tmp_path / "a.sheet.svg").read_text(encoding="utf-8")) == len(score)


def test_a_png_shows_all_pages(jig: Score, tmp_path: Path) -> None:
    segue.write(jig, tmp_path / "jig.sheet.png")
    one = picture((tmp_path / "jig.sheet.png").read_bytes())
    assert one.shape[0] > one.shape[1]
    assert (one < 128).mean() > 0.005
    sheet.write(long_piece(), tmp_path / "long.png", dots_per_inch=40)
    many = picture((tmp_path / "long.png").read_bytes())
    assert many.shape[0] > 2 * many.shape[1]


def test_a_picture_of_too_many_pages_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheet, "_MOST_STACKED_PAGES", 1)
    with pytest.raises(LimitError, match=r"write a \.pdf"):
        segue.write(long_piece(), tmp_path / "a.sheet.png")
    assert list(tmp_path.iterdir()) == []


def test_music_without_notes_and_other_suffixes_are_refused(jig: Score, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="holds no notes"):
        segue.write(Score(480), tmp_path / "a.pdf")
    with pytest.raises(FormatError, match=r"not \.bmp"):
        sheet.write(jig, tmp_path / "a.bmp")


def test_music_too_long_for_paper_is_refused(tmp_path: Path) -> None:
    far = Score(480, events(NOTE, [(480 * 4 * 8001, 480, 0, 60, 80)]), (Track(),))
    with pytest.raises(LimitError, match="bars"):
        segue.write(far, tmp_path / "a.pdf")


class Recorder:
    """A canvas that notes what is drawn on it."""

    def __init__(self) -> None:
        from reportlab.pdfgen.canvas import Canvas

        self.canvas = Canvas(io.BytesIO(), pageCompression=0)

    def code(self, body: str) -> str:
        svg = (
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
            '<defs><g id="E0-x"><path d="M1 1l2 0v3z"/></g></defs>'
            f'<svg viewBox="0 0 100 100">{body}</svg></svg>'
        )
        Drawing(self.canvas).page(svg, 100, 100)
        return " ".join("\n".join(self.canvas._code).split())


def test_shapes_are_drawn_as_svg_means_them() -> None:
    code = Recorder().code('<path d="M10 20 h5 v-5 L1 2 C1 1 2 2 3 3 s1 1 2 2 q1 0 2 1 Z"/>')
    assert "10 20 m 15 20 l 15 15 l 1 2 l 1 1 2 2 3 3 c 4 4 4 4 5 5 c" in code
    assert code.count(" h ") == 1
    hidden = Recorder().code('<g class="placeholder"><path d="M0 0 L1 1"/></g>')
    assert " l " not in hidden
    glyph = Recorder().code('<use xlink:href="#E0-x" transform="translate(5, 6) scale(2, 2)"/>')
    assert "2 0 0 2 5 6 cm" in glyph
    assert " Do" in glyph
