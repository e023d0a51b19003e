"""Charts as SVG text: bars over bins, and rows of named bars. No library, no script.

Colours come from the page's style sheet, so that a chart follows the page into the dark.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

_WIDTH, _HEIGHT = 460, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 6, 10, 26
_ROW, _NAMES, _VALUES = 20, 128, 46
_ROUND = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)


@dataclass(frozen=True)
class Series:
    """Values of one part of the music, shape (bins,); drawn as shares of their sum."""

    name: str
    values: NDArray[np.int64]

    @property
    def shares(self) -> NDArray[np.float64]:
        """Shape (bins,): the part of the whole in each bin, in per cent."""
        return 100 * self.values / max(int(self.values.sum()), 1)


@dataclass(frozen=True)
class Axis:
    """What the bins are called, a name each, and which places below them get a label."""

    bins: Sequence[str]
    ticks: Sequence[tuple[float, str]]


def bars(title: str, axis: Axis, series: Sequence[Series]) -> str:
    """A histogram: the first series as bars, a second one as an outline over them."""
    shares = [one.shares for one in series]
    top = _nice(max((float(share.max(initial=0)) for share in shares), default=0))
    step = (_WIDTH - _LEFT - _RIGHT) / max(len(axis.bins), 1)
    base, tall = _HEIGHT - _BOTTOM, _HEIGHT - _BOTTOM - _TOP

    def y(share: float) -> float:
        return base - tall * share / top

    parts = [_opening(title, _WIDTH, _HEIGHT)]
    for part in (0.5, 1.0):
        level = y(top * part)
        parts.append(f'<path class="grid" d="M{_LEFT} {level:.1f}H{_WIDTH - _RIGHT}"/>')
        parts.append(_text(_LEFT - 6, level + 4, f"{top * part:g} %", "end"))
    for place, label in axis.ticks:
        parts.append(_text(_LEFT + step * place, _HEIGHT - 8, label, "middle"))
    gap = min(1.5, step / 4)
    filled = "".join(
        f"M{_LEFT + step * n + gap / 2:.1f} {base}V{y(share):.1f}h{step - gap:.1f}V{base}z"
        for n, share in enumerate(shares[0].tolist())
        if share > 0
    )
    parts.append(f'<path class="first" d="{filled}"/>')
    for share in shares[1:]:
        edge = "".join(f"V{y(s):.1f}H{_LEFT + step * (n + 1):.1f}" for n, s in enumerate(share))
        parts.append(f'<path class="second" d="M{_LEFT} {base}{edge}V{base}"/>')
    parts.append(f'<path class="axis" d="M{_LEFT} {base}H{_WIDTH - _RIGHT}"/>')
    for n, name in enumerate(axis.bins):
        told = _told(series, n)
        parts.append(
            f'<rect class="over" x="{_LEFT + step * n:.1f}" y="{_TOP}" width="{step:.1f}" '
            f'height="{tall}"><title>{escape(name)}: {escape(told)}</title></rect>'
        )
    return "".join(parts) + "</svg>"


def rows(title: str, names: Sequence[str], series: Sequence[Series]) -> str:
    """Named bars, one below the other; a second series is a mark on each."""
    shares = [one.shares for one in series]
    top = max(max((float(share.max(initial=0)) for share in shares), default=0), 1e-9)
    height = _ROW * max(len(names), 1) + 8
    wide = _WIDTH - _NAMES - _VALUES
    parts = [_opening(title, _WIDTH, height)]
    for n, name in enumerate(names):
        y = 4 + _ROW * n
        told = _told(series, n)
        length = wide * float(shares[0][n]) / top
        parts.append(f"<g><title>{escape(name)}: {escape(told)}</title>")
        parts.append(_text(_NAMES - 8, y + 14, name, "end"))
        shape = f'x="{_NAMES}" y="{y + 4}" width="{length:.1f}" height="12" rx="2"'
        parts.append(f'<rect class="first" {shape}/>')
        for share in shares[1:]:
            x = _NAMES + wide * float(share[n]) / top
            parts.append(f'<path class="second" d="M{x:.1f} {y + 2}v16"/>')
        end = _NAMES + wide * max(float(share[n]) for share in shares) / top
        parts.append(_text(end + 6, y + 14, _per_cent(shares[0][n]), "start") + "</g>")
    return "".join(parts) + "</svg>"


def _told(series: Sequence[Series], n: int) -> str:
    return ", ".join(f"{one.name} {_per_cent(one.shares[n])}" for one in series)


def _per_cent(share: float) -> str:
    if 0 < share < 0.1:
        return "< 0.1 %"
    return f"{share:.1f} %" if share < 10 else f"{share:.0f} %"


def _opening(title: str, width: int, height: int) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" xmlns="http://www.w3.org/2000/svg">'
        f"<title>{escape(title)}</title>"
    )


def _text(x: float, y: float, said: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(said)}</text>'


def _nice(value: float) -> float:
    """The least of a few round numbers times a power of ten that is not under `value`."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * n for n in _ROUND if power * n >= value * (1 - 1e-9))
