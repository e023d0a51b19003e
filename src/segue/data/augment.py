"""Augmentation: training windows changed as they are taken, by what seed and step draw.

The kinds are those that the systems were trained with: transposition and stretched time
(Performance RNN), voices left out and pulses that change places (LakhNES), louder and softer, notes
told ahead (Anticipatory Music Transformer), hands as one track, less said of the piece.
An encoding offers what it can (`segue.encodings.variants`); what is held out is never changed.
Letters: B windows of a whole step, T length, R rows of a window, C columns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segue.data.windows import Batch
from segue.encodings import portrait
from segue.encodings.base import Encoding
from segue.encodings.variants import Ints, in_place
from segue.errors import DataError

VOICES = 4
"""Those of an NES."""
SAID = len(portrait.KINDS) + 1
"""What may be said of a piece, and bar lines."""
_BARS_FORGOTTEN = 0.25
"""How often bar lines are left out, in times that something else is."""


@dataclass(frozen=True)
class Augmentation:
    """What is drawn for each training window; the defaults change nothing.

    `transpose` is a range of semitones, `stretch` a range of factors of time, of which
    `stretch_factors` evenly spaced ones are used (0: any), `velocity` a range that is added;
    the others are probabilities. Raises DataError for ranges that are none.
    """

    transpose: tuple[int, int] = (0, 0)
    stretch: tuple[float, float] = (1.0, 1.0)
    stretch_factors: int = 0
    velocity: tuple[int, int] = (0, 0)
    drop_voices: float = 0.0
    swap_pulses: float = 0.0
    one_track: float = 0.0
    forget: float = 0.0
    tell_ahead: float = 0.0

    def __post_init__(self) -> None:
        for name in ("transpose", "stretch", "velocity"):
            low, high = getattr(self, name)
            if low > high:
                raise DataError(f"{name} came as [{low}, {high}]; the lower number comes first.")
        if not 0.5 <= self.stretch[0] <= self.stretch[1] <= 2:
            raise DataError(f"stretch came as {list(self.stretch)}; 0.5 to 2 is allowed.")

    @property
    def asked(self) -> tuple[str, ...]:
        """The names of the changes that are asked for, in the order they are made."""
        usual = {field.name: field.default for field in fields(self)}
        return tuple(name for name in _CHANGES if getattr(self, name) != usual[name])


class _Change(NamedTuple):
    """How a change is drawn for n windows, the encoding's method, and if it lays rows anew."""

    draw: Callable[[Augmentation, np.random.Generator, int], NDArray[Any]]
    method: str
    lays: bool


def _semitones(how: Augmentation, rng: np.random.Generator, n: int) -> NDArray[Any]:
    return rng.integers(how.transpose[0], how.transpose[1] + 1, size=n)


def _factors(how: Augmentation, rng: np.random.Generator, n: int) -> NDArray[Any]:
    if how.stretch_factors:
        return rng.choice(np.linspace(*how.stretch, how.stretch_factors), size=n)
    return rng.uniform(*how.stretch, size=n)


def _velocities(how: Augmentation, rng: np.random.Generator, n: int) -> NDArray[Any]:
    return rng.integers(how.velocity[0], how.velocity[1] + 1, size=n)


def _dropped(how: Augmentation, rng: np.random.Generator, n: int) -> NDArray[Any]:
    """Shape (n, VOICES): one to all but one of them, at random, where any."""
    count = rng.integers(1, VOICES, size=n) * (rng.random(n) < how.drop_voices)
    return rng.random((n, VOICES)).argsort(axis=1) < count[:, None]


def _swapped(how: Augmentation, rng: np.random.Generator, n: int) -> NDArray[Any]:
    return rng.random(n) < how.swap_pulses


def _joined(how: Augmentation, rng: np.random.Generator, n: int) -> NDArray[Any]:
    return rng.random(n) < how.one_track


def _forgotten(how: Augmentation, rng: np.random.Generator, n: int) -> NDArray[Any]:
    """Shape (n, SAID): bar lines, the last, are left out more seldom."""
    often = np.full(SAID, how.forget)
    often[-1] *= _BARS_FORGOTTEN
    return rng.random((n, SAID)) < often


def _ahead(how: Augmentation, rng: np.random.Generator, n: int) -> NDArray[Any]:
    """Shape (n, 5): chances, the first below 0 where nothing is told ahead."""
    drawn = rng.random((n, 5))
    drawn[drawn[:, 0] >= how.tell_ahead, 0] = -1
    return drawn


# Transposition has the first generator, so that turning another change on does not move it.
_DRAWN = (
    "transpose", "drop_voices", "swap_pulses", "stretch", "velocity", "one_track", "forget",
    "tell_ahead",
)  # fmt: skip
_CHANGES = {
    "drop_voices": _Change(_dropped, "drop_voices", lays=True),
    "swap_pulses": _Change(_swapped, "swap_pulses", lays=True),
    "forget": _Change(_forgotten, "forget", lays=True),
    "one_track": _Change(_joined, "one_track", lays=True),
    "transpose": _Change(_semitones, "transpose", lays=False),
    "stretch": _Change(_factors, "stretch", lays=True),
    "velocity": _Change(_velocities, "louder", lays=False),
    # Last: what is told ahead is no longer known for the note it is.
    "tell_ahead": _Change(_ahead, "tell_ahead", lays=True),
}


class Augmenter:
    """Changes the batches of steps of `windows` windows each.

    Raises DataError if the encoding cannot do what is asked, or if what is asked lays rows anew
    while only the row after a window is learned.
    """

    def __init__(
        self, how: Augmentation, encoding: Encoding, seed: int, windows: int, objective: str
    ) -> None:
        self.how, self.encoding = how, encoding
        self.seed, self.windows = seed, windows
        offered = getattr(encoding, "variants", ())
        for name in how.asked:
            if _CHANGES[name].method not in offered:
                raise DataError(
                    f"{name} is asked for, which the encoding {encoding.name} cannot do with "
                    f"these options: leave {name} out."
                )
            if _CHANGES[name].lays and objective == "last":
                raise DataError(
                    f'{name} is asked for with objective "last", but may move the one row that is '
                    f'learned out of its window: leave {name} out, or set objective to "every".'
                )
        self.lays = any(_CHANGES[name].lays for name in how.asked)
        """Whether windows may come to hold more or fewer rows that count."""

    def __call__(self, batch: Batch, step: int, first: int = 0) -> Batch:
        """A batch as step `step` learns it; its windows are those of the step from `first` on."""
        if not self.how.asked:
            return batch
        rows, counts = _whole(batch)
        source = in_place(rows).source
        for name in self.how.asked:
            change = _CHANGES[name]
            rng = np.random.default_rng((self.seed, step, _DRAWN.index(name)))
            by = change.draw(self.how, rng, self.windows)[first : first + len(rows)]
            changed = getattr(self.encoding, change.method)(rows, by)
            if change.lays:
                rows = changed.rows
                before = np.take_along_axis(source, np.maximum(changed.source, 0), axis=1)
                source = np.where(changed.source < 0, -1, before)
            else:
                rows = changed
        if not self.lays:
            return _split(batch, rows, batch.mask, batch.segments)
        return self._laid(batch, rows, source, counts)

    def _laid(
        self, batch: Batch, rows: NDArray[Any], source: Ints, counts: NDArray[np.bool_]
    ) -> Batch:
        """The batch of rows that were made for those at `source`; a row counts if its source does.

        Rows of a window after the last that counts come last again, wherever they got to.
        """
        length = batch.mask.shape[1]
        extra = rows.shape[1] - length
        places = np.arange(rows.shape[1])
        rest = (source < 0) | (source > np.where(counts, places, -1).max(axis=1, keepdims=True))
        order = np.argsort(rest, axis=1, kind="stable")
        rows = np.take_along_axis(rows, order[..., None], axis=1)
        source, rest = (np.take_along_axis(each, order, axis=1) for each in (source, rest))
        mask = np.take_along_axis(counts, np.maximum(source, 0), axis=1) & ~rest
        segments = batch.segments
        if segments is not None:
            known = np.pad(segments, ((0, 0), (0, extra)), mode="edge")
            known = np.take_along_axis(known, np.maximum(source, 0), axis=1)
            known[source < 0] = -1
            # A piece that lost its first row begins with another, which nothing tells of.
            mask[:, 1:] &= known[:, 1:] == known[:, :-1]
            segments = known[:, :length]
        return _split(batch, rows, mask[:, extra:], segments)


def _whole(batch: Batch) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Windows with the row after the last input, (B, R, C), and which rows are targets, (B, R).

    Inputs and targets are changed as one window, so that neither is clipped alone. In segments
    the last row stands for what is filled up, whose symbols would hold others back.
    """
    if batch.targets is batch.inputs:
        last = batch.mask.sum(axis=1, keepdims=True) - 1
        at = np.minimum(np.arange(batch.mask.shape[1]), last)
        return np.take_along_axis(batch.inputs, at[..., None], axis=1), batch.mask
    final = batch.targets if batch.targets.ndim < batch.inputs.ndim else batch.targets[:, -1]
    rows = np.concatenate([batch.inputs, final[:, None]], axis=1)
    return rows, np.pad(batch.mask, ((0, 0), (1, 0)))


def _split(
    batch: Batch,
    rows: NDArray[Any],
    mask: NDArray[np.bool_],
    segments: NDArray[np.int16] | None,
) -> Batch:
    if batch.targets is batch.inputs:
        rows[~mask] = 0
        return Batch(rows, rows, mask, segments)
    one = batch.targets.ndim < batch.inputs.ndim
    return replace(
        batch,
        inputs=rows[:, :-1],
        targets=rows[:, -1] if one else rows[:, 1:],
        mask=mask,
        segments=segments,
    )
