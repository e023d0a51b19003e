"""How likely a bundle finds music: nats a row, a note and a second, beside what must be beaten.

The definitions are in docs/evaluation.md. A number over many pieces is a ratio of sums (all nats
over all notes), never a mean of means; its interval is drawn over pieces.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from segue.bundles import Bundle
from segue.errors import SegueError
from segue.evaluation.bootstrap import interval
from segue.evaluation.calibration import Reliability
from segue.evaluation.tallies import Tallies
from segue.generation.scoring import make_scorer, unscored
from segue.judging.charging import charged
from segue.judging.floor import tallies_of
from segue.judging.material import Material, Materials, Music, material
from segue.recipes.builder import require_torch

Floats = NDArray[np.float64]
Context = Literal["piece", "window"]
Done = Callable[[int, int], None]
UNITS = ("row", "note", "second")
BITS = 1 / np.log(2)
WINDOWS = 4096
"""Rows scored by a model that reads a hundred rows anew for each: minutes, where all take hours."""


@dataclass(frozen=True)
class PieceLikelihood:
    """What one piece cost: `nats` by head, over `rows` that hold `notes` notes in `seconds`.

    Rows at the start that are read and not scored are left out of all three, so `notes` need not
    be whole. `row_nats`, (rows,), are missing of models of segments. `charge` is nats a note for
    what the encoding loses, None where the piece as it was written is not to be had.
    """

    name: str
    nats: tuple[float, ...]
    rows: int
    notes: float
    seconds: float
    charge: float | None = None
    floor: dict[str, float] = field(default_factory=dict)
    row_nats: Floats | None = None
    place: int = 0
    """Its number among the pieces that came."""

    @property
    def total(self) -> float:
        """Nats of all heads."""
        return float(sum(self.nats))

    def as_dict(self) -> dict[str, Any]:
        """JSON values, without the rows."""
        return {
            "name": self.name,
            "nats": self.total,
            "rows": self.rows,
            "notes": self.notes,
            "seconds": self.seconds,
            "nats_a_row": self.total / max(self.rows, 1),
            "nats_a_note": self.total / self.notes if self.notes else None,
            "charge_a_note": self.charge,
            "baselines": self.floor,
        }


@dataclass(frozen=True)
class Evaluation:
    """What a bundle made of music.

    `kind` is "exact", or "bound" where the nats are at least what the music costs (the evidence
    lower bound of a VAE). `heads` names the parts of a row's nats; `context` says what a row was
    told from: all of its piece before it, or a window as in training.
    """

    bundle: str
    hash: str
    family: str
    encoding: str
    kind: Literal["exact", "bound"]
    context: Context
    engine: str
    heads: tuple[str, ...]
    frames: bool
    pieces: tuple[PieceLikelihood, ...]
    left_out: dict[str, str]
    reliability: dict[str, Reliability]
    source: str = ""
    split: str = ""
    took: float = 0.0
    level: float = 0.95
    draws: int = 1000

    @property
    def baselines(self) -> tuple[str, ...]:
        """The predictors that were scored beside the model."""
        return tuple(self.pieces[0].floor)

    @property
    def rows(self) -> int:
        """Rows scored."""
        return sum(piece.rows for piece in self.pieces)

    @property
    def notes(self) -> float:
        """Notes in them."""
        return float(sum(piece.notes for piece in self.pieces))

    @property
    def seconds(self) -> float:
        """Seconds of music in them."""
        return float(sum(piece.seconds for piece in self.pieces))

    def nats(self, unit: str = "row", of: str = "model", *, plus_charge: bool = False) -> float:
        """Nats a row, note or second: of the model, one of its `heads`, or a baseline.

        `plus_charge` adds what the encoding loses, and is NaN where that is not known.
        """
        return _ratio(self._sums(unit, of, plus_charge))

    def between(
        self, unit: str = "row", of: str = "model", *, plus_charge: bool = False
    ) -> tuple[float, float]:
        """The bootstrap interval of `nats` over pieces."""
        sums = self._sums(unit, of, plus_charge)
        return interval(sums, _ratio, level=self.level, draws=self.draws)

    def _sums(self, unit: str, of: str, plus_charge: bool) -> Floats:
        """(pieces, 2): nats and how many of the unit."""
        if unit not in UNITS:
            raise ValueError(f"the unit came as {unit!r}; {', '.join(UNITS)} are allowed.")
        counts = [getattr(piece, f"{unit}s") for piece in self.pieces]
        return np.array(
            [
                (self._of(piece, of) + (_charge(piece) if plus_charge else 0.0), count)
                for piece, count in zip(self.pieces, counts, strict=True)
            ]
        )

    def _of(self, piece: PieceLikelihood, of: str) -> float:
        if of == "model":
            return piece.total
        if of in self.heads:
            return piece.nats[self.heads.index(of)]
        return piece.floor[of]

    def as_dict(self) -> dict[str, Any]:
        """JSON values: totals with intervals, heads, baselines, calibration, pieces."""
        names = ("model", *self.baselines)
        return {
            "bundle": self.bundle,
            "hash": self.hash,
            "family": self.family,
            "encoding": self.encoding,
            "kind": self.kind,
            "context": self.context,
            "engine": self.engine,
            "source": self.source,
            "split": self.split,
            "rows": self.rows,
            "notes": self.notes,
            "seconds": self.seconds,
            "took_seconds": self.took,
            "level": self.level,
            "nats": {name: {unit: self._told(unit, name) for unit in UNITS} for name in names},
            "bits_a_row": self.nats("row") * BITS,
            "bits_a_note": self.nats("note") * BITS,
            "bits_a_second": self.nats("second") * BITS,
            "comparable_a_note": self._told("note", "model", plus_charge=True),
            "frame_nats": self.nats("row") if self.frames else None,
            "heads": {head: self.nats("row", head) for head in self.heads},
            "calibration": {head: each.as_dict() for head, each in self.reliability.items()},
            "left_out": self.left_out,
            "pieces": [piece.as_dict() for piece in self.pieces],
        }

    def _told(self, unit: str, of: str, *, plus_charge: bool = False) -> dict[str, float]:
        low, high = self.between(unit, of, plus_charge=plus_charge)
        return {"nats": self.nats(unit, of, plus_charge=plus_charge), "low": low, "high": high}


def evaluate(
    bundle: Bundle,
    music: Music,
    *,
    split: str | None = None,
    engine: str = "auto",
    context: Context = "piece",
    charge: bool = True,
    baselines: bool = True,
    level: float = 0.95,
    draws: int = 1000,
    limit: int | None = WINDOWS,
    reading: int | None = None,
    done: Done | None = None,
) -> Evaluation:
    """How likely `bundle` finds music: a folder, a file, a corpus with its `split`, or Scores.

    With context "piece" every row is told from all rows before it in its piece, as playing does;
    with "window" from its window alone, and of as many windows as training watched, which gives
    the run's own held-out loss. `charge` asks for what the encoding loses. A model that reads its
    window anew for each row scores `limit` rows at most, evenly spread; None: all. With context
    "window" no more than `reading` rows are read, if that is given. `done` is told (done, in all)
    rows. Raises SegueError for a model without a likelihood (a GAN), or if no
    piece can be scored.
    """
    began = time.perf_counter()
    given = material(bundle, music, split=split, scores=charge)
    if bundle.plays == "segments":
        scored = _bounded(bundle, given, done)
    else:
        scored = _exact(bundle, given, engine, context, (limit, reading), done)
    floor = tallies_of(bundle, music if baselines else None) if baselines else None
    places = {id(piece): place for place, piece in enumerate(given.pieces)}
    pieces = [
        PieceLikelihood(
            name=piece.name,
            nats=tuple(nats.sum(axis=0).tolist()),
            rows=count,
            notes=piece.notes * share,
            seconds=piece.seconds * share,
            charge=charged(bundle.encoding, piece) if charge else None,
            floor=_floor(floor, piece, rows),
            row_nats=nats.sum(axis=1) if bundle.plays == "rows" else None,
            place=places[id(piece)],
        )
        for piece, nats, count, share, rows in scored.each
    ]
    return Evaluation(
        bundle=bundle.name,
        hash=bundle.hash,
        family=bundle.recipe.family,
        encoding=bundle.encoding.name,
        kind="bound" if bundle.plays == "segments" else "exact",
        context="piece" if bundle.plays == "segments" else context,
        engine=scored.engine,
        heads=scored.heads,
        frames=len(bundle.sizes) > 1 and len(scored.heads) == 1,
        pieces=tuple(pieces),
        left_out={**given.left_out, **scored.left_out},
        reliability=scored.reliability,
        source=given.source,
        split=given.split,
        took=time.perf_counter() - began,
        level=level,
        draws=draws,
    )


@dataclass(frozen=True)
class _Scored:
    """Of each piece: nats by row and head, rows scored, their share of the music in the piece, and
    the numbers of the rows."""

    engine: str
    heads: tuple[str, ...]
    each: list[tuple[Material, Floats, int, float, NDArray[np.int64]]]
    left_out: dict[str, str]
    reliability: dict[str, Reliability]


def _exact(
    bundle: Bundle,
    given: Materials,
    engine: str,
    context: Context,
    limits: tuple[int | None, int | None],
    done: Done | None,
) -> _Scored:
    skip = unscored(bundle)
    long_enough = [piece for piece in given.pieces if len(piece.rows) > skip]
    left_out = {
        piece.name: f"has {len(piece.rows)} rows; {bundle.name} needs {skip + 1}"
        for piece in given.pieces
        if len(piece.rows) <= skip
    }
    if not long_enough:
        raise SegueError(f"{given.source}: every piece is shorter than {bundle.name} needs.")
    cuts = _cuts(bundle, long_enough, context, *limits)
    scorer = make_scorer(bundle, engine, longest=max(high - low for _, low, high in cuts))
    total = sum(high - low - skip for _, low, high in cuts)
    finished = 0

    def advance(rows: int) -> None:
        nonlocal finished
        finished += rows
        if done:
            done(finished, total)

    told = scorer.score([long_enough[i].rows[low:high] for i, low, high in cuts], skip, advance)
    columns = tuple(column.name for column in bundle.encoding.layout.columns)
    heads = ("frame",) if scorer.heads < len(columns) else columns
    each = []
    for i, piece in enumerate(long_enough):
        own = [k for k, cut in enumerate(cuts) if cut[0] == i]
        if own:
            nats = np.concatenate([told.nats[k] for k in own])
            rows = np.concatenate([np.arange(cuts[k][1] + skip, cuts[k][2]) for k in own])
            each.append((piece, nats, len(nats), _share(bundle, piece, len(nats)), rows))
    return _Scored(
        scorer.name, heads, each, left_out, dict(zip(heads, told.reliability, strict=True))
    )


def _share(bundle: Bundle, piece: Material, scored: int) -> float:
    """The share of a piece's music that so many of its rows hold: an opening row holds none."""
    opening = bundle.encoding.opening().astype(np.int64)
    silent = len(opening) if np.array_equal(piece.rows[: len(opening)], opening) else 0
    return min(scored / max(len(piece.rows) - silent, 1), 1.0)


def _cuts(
    bundle: Bundle,
    pieces: Sequence[Material],
    context: Context,
    limit: int | None,
    reading: int | None,
) -> list[tuple[int, int, int]]:
    """What is scored: (piece, first row, end) each, whole pieces or training's own windows."""
    last = unscored(bundle) > 1
    rows = sum(len(piece.rows) - unscored(bundle) for piece in pieces)
    if context == "piece" and not (last and limit is not None and rows > limit):
        return [(i, 0, len(piece.rows)) for i, piece in enumerate(pieces)]
    length = bundle.recipe.data.window
    cuts = []
    for i, piece in enumerate(pieces):
        targets = len(piece.rows) - 1
        starts = range(targets - length + 1) if last else range(0, targets, length)
        cuts += [(i, at, min(at + length + 1, len(piece.rows))) for at in starts]
    if context == "window":
        watched = bundle.recipe.train.held_out_limit or len(cuts)
        limit = min(watched, max(reading // length, 1)) if reading else watched
    taken = min(limit or len(cuts), len(cuts))
    return [cuts[k * len(cuts) // taken] for k in range(taken)]


def _bounded(bundle: Bundle, given: Materials, done: Done | None) -> _Scored:
    require_torch(f"the likelihood of {bundle.name}")
    from segue.generation.torch_scoring import SegmentScorer

    scorer = SegmentScorer.of_bundle(bundle)
    if not scorer.likelihood:
        raise SegueError(
            f"{bundle.name} has no likelihood, nor a bound on one: a GAN can draw music and not "
            "say how likely it is. Judge its takes instead, with `segue compare`."
        )
    each = []
    total = sum(len(piece.rows) for piece in given.pieces)
    finished = 0
    for piece in given.pieces:
        nats = scorer.score(piece.rows)[None]
        finished += len(piece.rows)
        if done:
            done(finished, total)
        each.append((piece, nats, len(piece.rows), 1.0, np.arange(1, len(piece.rows))))
    return _Scored(scorer.name, scorer.terms, each, {}, {})


def _floor(tallies: Tallies | None, piece: Material, rows: NDArray[np.int64]) -> dict[str, float]:
    """Nats of the same rows by each baseline; a first row that has none before it costs a mean."""
    if tallies is None or len(piece.rows) < 2:
        return {}
    return {
        name: float(nats.sum(axis=1)[rows - 1].sum())
        for name, nats in tallies.nats(piece.rows).items()
    }


def _charge(piece: PieceLikelihood) -> float:
    return np.nan if piece.charge is None else piece.charge * piece.notes


def _ratio(sums: Floats) -> float:
    """All nats over all units."""
    return float(sums[:, 0].sum() / max(float(sums[:, 1].sum()), 1e-12))
