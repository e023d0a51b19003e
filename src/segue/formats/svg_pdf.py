"""The SVG that verovio draws, as pages of a PDF.

Only what verovio writes is understood: groups, paths, polygons, lines, ellipses, rectangles,
music glyphs by reference, and text whose music characters are drawn from verovio's own glyphs.
Text is set in DejaVu Serif, which comes with matplotlib, so that no system font is needed.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, fromstring

_SVG = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"
_BOLD = {"ending", "fing", "reh", "tempo"}
_ITALIC = {"dir", "dynam", "mNum"}
_HIDDEN = {"placeholder"}
_GLYPH_EM = 1000.0
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_PATH = re.compile(rf"([A-Za-z])|({_NUMBER})")
_TRANSFORM = re.compile(r"(translate|scale|rotate)\(([^)]*)\)")
_ARGUMENTS = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "Z": 0}


@dataclass(frozen=True)
class Style:
    """What a group hands down to what is in it."""

    bold: bool = False
    italic: bool = False
    font_size: float = 0.0
    font_family: str = ""
    anchor: str = "start"
    stroke_width: float = 1.0
    fill: bool = True


class Drawing:
    """Draws SVG pages on a reportlab canvas, each fitted to the width of its page."""

    def __init__(self, canvas: Any) -> None:
        self._canvas = canvas
        self._glyphs: dict[str, Element] = {}
        self._forms: set[str] = set()
        self._fonts = _fonts()

    def page(self, svg: str, width: float, height: float) -> None:
        """Draw one SVG of verovio's on the current page, `width` by `height` points."""
        root = fromstring(svg)  # noqa: S314 - verovio made it, from a file that we wrote
        self._glyphs = {
            element.get("id", ""): element
            for defs in root.iterfind(f"{_SVG}defs")
            for element in defs
        }
        for inner in root.iterfind(f"{_SVG}svg"):
            _, _, across, down = (float(n) for n in inner.get("viewBox", "0 0 1 1").split())
            canvas = self._canvas
            canvas.saveState()
            # Upside down, as SVG counts from the top.
            canvas.transform(width / across, 0, 0, -height / down, 0, height)
            for child in inner:
                self._element(child, Style())
            canvas.restoreState()

    def _element(self, element: Element, style: Style) -> None:
        tag = element.tag.removeprefix(_SVG)
        classes = set(element.get("class", "").split())
        if classes & _HIDDEN or tag in ("style", "title", "desc", "defs"):
            return
        style = _styled(style, element, classes)
        transform = element.get("transform")
        if transform:
            self._canvas.saveState()
            self._apply(transform)
        draw = getattr(self, f"_{tag}", None)
        if draw is not None:
            draw(element, style)
        if transform:
            self._canvas.restoreState()

    def _apply(self, transform: str) -> None:
        for name, arguments in _TRANSFORM.findall(transform):
            values = [float(n) for n in re.findall(_NUMBER, arguments)]
            if name == "translate":
                self._canvas.translate(values[0], values[1] if len(values) > 1 else 0)
            elif name == "scale":
                self._canvas.scale(values[0], values[-1])
            elif len(values) == 3:
                self._canvas.translate(values[1], values[2])
                self._canvas.rotate(values[0])
                self._canvas.translate(-values[1], -values[2])
            else:
                self._canvas.rotate(values[0])

    # -- shapes ---------------------------------------------------------------------------------

    def _g(self, element: Element, style: Style) -> None:
        for child in element:
            self._element(child, style)

    def _use(self, element: Element, style: Style) -> None:
        name = element.get(_HREF, element.get("href", "")).lstrip("#")
        glyph = self._glyphs.get(name)
        if glyph is not None:
            # Glyphs are named "E050-page": the same one on another page is drawn from one form.
            self._glyph(name.split("-")[0], glyph)

    def _glyph(self, name: str, glyph: Element) -> None:
        """Draw a music glyph at the origin, by a form that the whole document shares."""
        canvas = self._canvas
        if name not in self._forms:
            self._forms.add(name)
            canvas.beginForm(name, -4000, -4000, 4000, 4000)
            for path in glyph.iter():
                if path.tag.removeprefix(_SVG) == "path":
                    canvas.saveState()
                    if transform := path.get("transform"):
                        self._apply(transform)
                    canvas.drawPath(self._outline(path.get("d", "")), stroke=0, fill=1)
                    canvas.restoreState()
            canvas.endForm()
        canvas.doForm(name)

    def _path(self, element: Element, style: Style) -> None:
        self._draw(self._outline(element.get("d", "")), element, style)

    def _polygon(self, element: Element, style: Style) -> None:
        self._points(element, style, close=True)

    def _polyline(self, element: Element, style: Style) -> None:
        self._points(element, replace(style, fill=element.get("fill", "none") != "none"))

    def _points(self, element: Element, style: Style, *, close: bool = False) -> None:
        values = [float(n) for n in re.findall(_NUMBER, element.get("points", ""))]
        path = self._canvas.beginPath()
        for i in range(0, len(values) - 1, 2):
            (path.lineTo if i else path.moveTo)(values[i], values[i + 1])
        if close:
            path.close()
        self._draw(path, element, style)

    def _rect(self, element: Element, style: Style) -> None:
        x, y, w, h = (float(element.get(name, 0)) for name in ("x", "y", "width", "height"))
        path = self._canvas.beginPath()
        path.rect(x, y, w, h)
        self._draw(path, element, style)

    def _ellipse(self, element: Element, style: Style) -> None:
        cx, cy, rx, ry = (float(element.get(name, 0)) for name in ("cx", "cy", "rx", "ry"))
        path = self._canvas.beginPath()
        path.ellipse(cx - rx, cy - ry, 2 * rx, 2 * ry)
        self._draw(path, element, style)

    def _draw(self, path: Any, element: Element, style: Style) -> None:
        canvas = self._canvas
        canvas.setLineWidth(style.stroke_width)
        canvas.setLineCap(1 if element.get("stroke-linecap") == "round" else 0)
        dashes = [float(n) for n in re.findall(_NUMBER, element.get("stroke-dasharray", ""))]
        canvas.setDash(dashes or [])
        stroke = element.get("stroke", "black") != "none" and style.stroke_width > 0
        canvas.drawPath(path, stroke=int(stroke), fill=int(style.fill))

    def _outline(self, data: str) -> Any:
        """SVG path data as a reportlab path."""
        path = self._canvas.beginPath()
        x = y = start_x = start_y = control_x = control_y = 0.0
        for command, values in _commands(data):
            kind, relative = command.upper(), command.islower()
            points = list(values)
            if relative:
                base = {"H": (x,), "V": (y,)}.get(kind, (x, y))
                points = [v + base[i % len(base)] for i, v in enumerate(points)]
            if kind == "Z":
                path.close()
                x, y = start_x, start_y
                continue
            if kind == "S":
                points = [2 * x - control_x, 2 * y - control_y, *points]
            elif kind == "Q":
                qx, qy, ex, ey = points
                points = [(x + 2 * qx) / 3, (y + 2 * qy) / 3, (ex + 2 * qx) / 3, (ey + 2 * qy) / 3]
                points += [ex, ey]
            elif kind == "H":
                points = [points[0], y]
            elif kind == "V":
                points = [x, points[0]]
            if kind == "M":
                path.moveTo(*points)
                start_x, start_y = points
            elif len(points) == 6:
                path.curveTo(*points)
            else:
                path.lineTo(*points)
            x, y = points[-2:]
            control_x, control_y = points[2:4] if len(points) == 6 else (x, y)
        return path

    # -- text -----------------------------------------------------------------------------------

    def _text(self, element: Element, style: Style) -> None:
        runs = list(_runs(element, style))
        width = sum(self._width(text, each) for text, each in runs)
        x, y = float(element.get("x", 0)), float(element.get("y", 0))
        for child in element.iter():
            # A centred heading has its place on the span inside.
            if child.get("x") is not None and child is not element:
                x, y = float(child.get("x", 0)), float(child.get("y", y))
                break
        anchors = {s.anchor for _, s in runs} - {"start"}
        x -= width * {"middle": 0.5, "end": 1.0}.get(anchors.pop() if anchors else "", 0.0)
        for text, each in runs:
            self._run(text, each, x, y)
            x += self._width(text, each)

    def _run(self, text: str, style: Style, x: float, y: float) -> None:
        canvas = self._canvas
        canvas.saveState()
        canvas.translate(x, y)
        if _is_music(text):
            canvas.scale(style.font_size / _GLYPH_EM, style.font_size / _GLYPH_EM)
            for character in text:
                outline, advance = _music_glyph(ord(character))
                if outline is not None:
                    self._glyph(f"{ord(character):04X}", outline)
                canvas.translate(advance, 0)
        else:
            canvas.scale(1, -1)
            canvas.setFont(self._font(style), style.font_size)
            canvas.drawString(0, 0, text)
        canvas.restoreState()

    def _font(self, style: Style) -> str:
        return self._fonts[style.bold, style.italic]

    def _width(self, text: str, style: Style) -> float:
        if _is_music(text):
            return sum(_music_glyph(ord(c))[1] for c in text) * style.font_size / _GLYPH_EM
        width: float = self._canvas.stringWidth(text, self._font(style), style.font_size)
        return width


def _styled(style: Style, element: Element, classes: set[str]) -> Style:
    size = re.match(_NUMBER, element.get("font-size", ""))
    width = re.match(_NUMBER, element.get("stroke-width", ""))
    weight, slope = element.get("font-weight"), element.get("font-style")
    return Style(
        bold=weight == "bold" if weight else style.bold or bool(classes & _BOLD),
        italic=slope == "italic" if slope else style.italic or bool(classes & _ITALIC),
        font_size=float(size[0]) if size else style.font_size,
        font_family=element.get("font-family", style.font_family),
        anchor=element.get("text-anchor", style.anchor),
        stroke_width=float(width[0]) if width else style.stroke_width,
        fill=element.get("fill", "black" if style.fill else "none") != "none",
    )


def _runs(element: Element, style: Style) -> Iterator[tuple[str, Style]]:
    """The stretches of text in an element, each with its style; indentation does not count."""
    if element.text and element.text.strip():
        yield element.text, style
    for child in element:
        yield from _runs(child, _styled(style, child, set(child.get("class", "").split())))


def _commands(data: str) -> Iterator[tuple[str, Sequence[float]]]:
    """The commands of SVG path data, one for each group of arguments."""
    command = ""
    values: list[float] = []
    for letter, value in _PATH.findall(data):
        if letter:
            command, values = letter, []
            if letter in "Zz":
                yield command, ()
            continue
        values.append(float(value))
        if len(values) == _ARGUMENTS.get(command.upper(), -1):
            yield command, values
            values = []
            # Further pairs after a move are lines.
            command = {"M": "L", "m": "l"}.get(command, command)


def _is_music(text: str) -> bool:
    return any("\ue000" <= c <= "\uf8ff" for c in text)


@functools.lru_cache(maxsize=256)
def _music_glyph(code: int) -> tuple[Element | None, float]:
    """A glyph of verovio's music font by code point, and how far it moves on."""
    import verovio

    folder = Path(verovio.__file__).parent / "data"
    file = folder / "Leipzig" / f"{code:04X}.xml"
    if not file.is_file():
        return None, 0.0
    box = re.search(rf'c="{code:04X}"[^>]*?h-a-x="({_NUMBER})"', _metrics(folder))
    return fromstring(file.read_text(encoding="utf-8")), float(box[1]) if box else 0.0  # noqa: S314


@functools.lru_cache(maxsize=1)
def _metrics(folder: Path) -> str:
    return (folder / "Leipzig.xml").read_text(encoding="utf-8")


def _fonts() -> dict[tuple[bool, bool], str]:
    """Names of the text fonts by (bold, italic), registered with reportlab."""
    import matplotlib as mpl
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    names = {}
    for bold in (False, True):
        for italic in (False, True):
            suffix = "Bold" * bold + "Italic" * italic
            name = "DejaVuSerif" + (f"-{suffix}" if suffix else "")
            pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))
            names[bold, italic] = name
    return names
