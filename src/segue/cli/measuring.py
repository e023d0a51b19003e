"""What `segue measure` counts and how it is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from segue.errors import SegueError, nearest
from segue.evaluation import bootstrap
from segue.evaluation.compare_sets import Overlap, Profile, compare, excerpt, profile
from segue.evaluation.features import FEATURES
from segue.evaluation.measures import MEASURES
from segue.evaluation.plots import bar
from segue.score import Score

if TYPE_CHECKING:
    from rich.table import Table

FEWEST_FOR_INTERVAL = 3
BAR_WIDTH = 8
NOTHING = "\N{EN DASH}"


@dataclass(frozen=True)
class Measured:
    """The measures of some pieces and, if it came, of real music, over the same number of bars."""

    pieces: Mapping[str, Score]
    profile: Profile
    real: Profile
    overlaps: dict[str, Overlap]
    names: tuple[str, ...]
    bars: int
    seed: int

    @classmethod
    def of(
        cls,
        pieces: Mapping[str, Score],
        real: Mapping[str, Score],
        names: tuple[str, ...],
        bars: int,
        seed: int,
    ) -> Self:
        """Cut to `bars` bars (0: whole) and measured."""
        rng = np.random.default_rng(seed)

        def cut(score: Score) -> Score:
            return excerpt(score, bars, rng) if bars else score

        ours = {name: cut(score) for name, score in pieces.items()}
        found = profile(list(ours.values()))
        beside = profile([cut(score) for score in real.values()]) if real else {}
        overlaps = compare(found, beside, seed=seed) if real else {}
        overlaps = {name: overlaps[name] for name in names if name in overlaps}
        return cls(ours, found, beside, overlaps, names, bars, seed)

    def has(self, name: str) -> bool:
        """Whether any piece has that measure."""
        return any(np.isfinite(each[name]).any() for each in (self.profile, self.real) if each)

    def mean(self, name: str, *, real: bool = False) -> dict[str, Any]:
        """Mean, interval, and of how many pieces."""
        values = (self.real if real else self.profile)[name][:, 0]
        values = values[np.isfinite(values)]
        told: dict[str, Any] = {"mean": float(values.mean()) if len(values) else None}
        told["pieces"] = len(values)
        if len(values) >= FEWEST_FOR_INTERVAL:
            told["interval"] = list(bootstrap.interval(values, seed=self.seed))
        return told

    def told(self) -> dict[str, Any]:
        """All of it as JSON: each measure's definition and means, each piece's own, overlaps."""
        single = [name for name in self.names if name in MEASURES]
        measures: dict[str, dict[str, Any]] = {}
        for name in single:
            row = MEASURES[name]
            measures[name] = {"unit": row.unit, "what": row.what, "source": row.source}
            measures[name] |= self.mean(name)
            if self.real:
                measures[name]["real"] = self.mean(name, real=True)
        values = {name: self.profile[name][:, 0] for name in single}
        return {
            "bars": self.bars or None,
            "seed": self.seed,
            "measures": measures,
            "pieces": {
                piece: {name: float(column[i]) for name, column in values.items()}
                for i, piece in enumerate(self.pieces)
            },
            "overlaps": {name: asdict(each) for name, each in self.overlaps.items()},
        }


def chosen(text: str | None) -> tuple[str, ...]:
    """ "pitch_range, polyphony" as names; all without a text. SegueError for an unknown one."""
    every = (*MEASURES, *FEATURES)
    names = tuple(name.strip() for name in (text or "").split(",") if name.strip())
    for name in names:
        if name not in every:
            raise SegueError(f"there is no measure {name!r}; {nearest(name, every)}.")
    return names or every


def median_bars(pieces: Mapping[str, Score]) -> int:
    """How many bars the median piece has, at least one."""
    return max(1, round(float(np.median([np.ceil(s.end_bars - 1e-9) for s in pieces.values()]))))


def table(found: Measured) -> Table:
    """A row a measure: its mean with interval and unit, and beside real music its overlap."""
    from segue.cli import console

    columns = ["measure", ">mean", ">95 % interval", "unit"]
    if found.real:
        columns[3:] = [">real", ">95 % interval", ">like real", ">as varied", ">itself", ""]
    shown = console.table(*columns, title=_title(found))
    shown.columns[0].no_wrap = True
    for name in found.names:
        if not found.has(name):
            continue
        cells = [name]
        if name in MEASURES:
            cells += _mean(found.mean(name))
            cells += _mean(found.mean(name, real=True)) if found.real else []
            cells += [] if found.real else [MEASURES[name].unit]
        else:
            # A histogram has no mean; it has distances to others.
            cells += [""] * (4 if found.real else 3)
        if found.real:
            each = found.overlaps[name]
            cells += [_share(v) for v in (each.like_real, each.as_varied, each.real_itself)]
            cells.append(bar(each.like_real, BAR_WIDTH))
        if found.real or name in MEASURES:
            shown.add_row(*cells)
    return shown


def _title(found: Measured) -> str:
    what = f"{len(found.pieces)} piece" + ("s" if len(found.pieces) != 1 else "")
    if found.real:
        count = len(next(iter(found.real.values())))
        what += f" beside {count} of real music"
    return f"{what}, {found.bars} bars of each" if found.bars else what


def _mean(told: Mapping[str, Any]) -> list[str]:
    if told["mean"] is None:
        return [NOTHING, ""]
    interval: Sequence[float] | None = told.get("interval")
    spread = "" if interval is None else f"{_short(interval[0])} to {_short(interval[1])}"
    return [_short(told["mean"]), spread]


def _short(value: float) -> str:
    if 0 < abs(value) < 1:
        return f"{value:.3f}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _share(value: float) -> str:
    return NOTHING if np.isnan(value) else f"{value:.2f}"
