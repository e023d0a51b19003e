"""Pages that hold all they need: one file, no network, light and dark, readable on a phone."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
MOST_COLOURS = 8
NOTHING = "\N{EN DASH}"


def page(title: str, body: str, *, data: dict[str, Any] | None = None, script: str = "") -> str:
    """A whole HTML document; `data` becomes the element "listening", which file `script` reads."""
    style = (_HERE / "compare.css").read_text(encoding="utf-8")
    parts = [
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title><style>{style}</style></head><body><main>{body}</main>",
    ]
    if data is not None:
        # "</" would end the element that the data stands in.
        text = json.dumps(data).replace("</", "<\\/")
        parts.append(f'<script type="application/json" id="listening">{text}</script>')
    if script:
        parts.append(f"<script>{(_HERE / script).read_text(encoding='utf-8')}</script>")
    return "".join([*parts, "</body></html>\n"])


def embedded(content: bytes, kind: str) -> str:
    """Bytes as an address that holds them."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def colour(number: int) -> str:
    """The class of contestant `number`, counted from 0."""
    return f"c{number % MOST_COLOURS + 1}"


def dot(number: int) -> str:
    """The mark of contestant `number`."""
    return f"<span class='dot {colour(number)}'></span>"


def line(name: str, track: str, figure: str) -> str:
    """A row of a plot: HTML of its name, of what lies on its track, and of its figure."""
    return (
        f"<div class='line'><span>{name}</span><span class='track'>{track}</span>"
        f"<span class='n'>{figure}</span></div>"
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: bool = True) -> str:
    """Cells are HTML; all but the first column are numbers, to the right, unless told otherwise."""
    kind = ' class="n"' if numbers else ""
    top = "".join(f"<th{kind if i else ''}>{cell}</th>" for i, cell in enumerate(head))
    body = "".join(
        f"<tr><th scope='row'>{row[0]}</th>"
        + "".join(cell if cell.startswith("<td") else f"<td{kind}>{cell}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return (
        f"<div class='wide'><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


class Scale:
    """Numbers to places along a line, in percent."""

    def __init__(self, values: Sequence[float], *, zero: bool = False) -> None:
        told = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
        low, high = min(0.0, *told) if zero else min(told), max(told)
        room = (high - low) * 0.04 or max(abs(high), 1.0) * 0.04
        self.low = low if zero and low == 0 else low - room
        self.width = high + room - self.low

    def __call__(self, value: float) -> float:
        """The place of a value."""
        return round(100 * (value - self.low) / self.width, 2)

    def dot(self, value: float, colour: str, kind: str = "", title: str = "", row: int = 0) -> str:
        """A dot at a value; nothing for one that is not finite."""
        if not math.isfinite(value):
            return ""
        told = f' title="{escape(title)}"' if title else ""
        return f'<b class="{colour} {kind}" style="left:{self(value)}%;--row:{row}"{told}></b>'

    def bar(self, low: float, high: float, colour: str, row: int = 0) -> str:
        """A bar over an interval; nothing for one without ends."""
        if not (math.isfinite(low) and math.isfinite(high)):
            return ""
        left, right = self(low), self(high)
        width = round(right - left, 2)
        return f'<i class="{colour}" style="left:{left}%;width:{width}%;--row:{row}"></i>'


def short(value: float | None, digits: int = 3) -> str:
    """A number in few digits; a dash for none."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if value and abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def between(low: float | None, high: float | None) -> str:
    """An interval in small type; nothing without ends."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f"<small>{short(low)} to {short(high)}</small>"


def seconds(value: float | None) -> str:
    """A time with its unit."""
    if value is None:
        return NOTHING
    if value < 1:
        return f"{value * 1000:.0f} ms"
    for unit, size in (("s", 60.0), ("min", 60.0), ("h", 48.0)):
        if value < size:
            return f"{value:.3g} {unit}"
        value /= 60 if unit != "h" else 24
    return f"{value:.3g} days"


def megabytes(value: int) -> str:
    """A size with its unit."""
    return f"{value / 1e6:.1f} MB" if value >= 1e5 else f"{value / 1e3:.0f} kB"


def plain(value: Any) -> Any:
    """JSON has no not-a-number: null in its place."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
